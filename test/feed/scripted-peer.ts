/** Peers that say what a test wants: the truth at first hand, and then whatever is made of it. */

import { libsodium } from '../../src/crypto/libsodium.ts';
import type { KeyPair } from '../../src/crypto/provider.ts';
import { BlockStore } from '../../src/feed/block-store.ts';
import { SleepFiles } from '../../src/feed/files/sleep-files.ts';
import {
  type ConnectOptions,
  connect,
  type Feed,
  memoryPair,
  memoryStorage,
  type ReplicateOptions,
  type Replication,
  replicate,
  type Session,
  type Transport,
} from '../../src/index.ts';
import type { Channel, ChannelMessage } from '../../src/session/channel.ts';
import type { Data, Request } from '../../src/wire/messages.ts';
import { settle } from '../fake-clock.ts';

/** The writer's own copy of a feed, from which every answer can be had. */
export async function truthOf(
  blocks: readonly Uint8Array[],
  keys: number | KeyPair = 1,
): Promise<BlockStore> {
  const crypto = await libsodium();
  const { publicKey, secretKey } =
    typeof keys === 'number' ? crypto.keyPair(new Uint8Array(32).fill(keys)) : keys;
  const files = new SleepFiles(memoryStorage());
  await files.open();
  await files.commit({ key: publicKey, secretKey });
  const store = await BlockStore.load(files, publicKey, crypto);
  if (blocks.length > 0) await store.append(blocks);
  return store;
}

/** What a scripted peer does with a message. */
export type Script = (message: ChannelMessage, channel: Channel) => void | Promise<void>;

export interface ScriptedPeer {
  readonly session: Session;
  readonly channel: Channel;
  /** All that we sent it. */
  readonly received: ChannelMessage[];
  /** Our side. */
  readonly replication: Replication;
}

/** Connects a scripted peer to a feed; `line` may make something else of our transport. */
export async function scriptedPeer(
  feed: Feed,
  script: Script,
  options: Partial<ReplicateOptions> = {},
  theirOptions: Partial<ConnectOptions> = {},
  line: (transport: Transport) => Transport = (transport) => transport,
): Promise<ScriptedPeer> {
  const [end, there] = memoryPair();
  const here = line(end);
  const [replication, session] = await Promise.all([
    replicate(here, { feeds: feed, live: true, ...options }),
    connect(there, {
      key: feed.key,
      live: true,
      ...(options.clock && { clock: options.clock }),
      ...theirOptions,
    }),
  ]);
  const channel = session.open(feed.key);
  const received: ChannelMessage[] = [];
  channel.receive(async (batch) => {
    for (const message of batch) {
      received.push(message);
      await script(message, channel);
    }
  });
  return { session, channel, received, replication };
}

/** Answers as a good peer does; `tamper` makes something else of a Data before it goes out. */
export function answering(
  truth: BlockStore,
  tamper: (data: Data, request: Request) => Data | undefined = (d) => d,
): Script {
  return async (message, channel) => {
    if (message.type === 'want') {
      channel.send({ type: 'have', start: 0, length: truth.length });
      channel.send({
        type: 'have',
        start: message.start,
        length: message.length,
        bitfield: allOf(truth, message.start),
      });
    } else if (message.type === 'request') {
      const data = await truth.answer(message);
      const made = data && tamper(data, message);
      if (made !== undefined) channel.send(made);
    }
  };
}

/** A bitfield, run-length encoded, that says that all of the feed is there. */
function allOf(truth: BlockStore, start: number): Uint8Array {
  const count = start === 0 ? truth.length : 0;
  const literal = new Uint8Array(Math.ceil(count / 8)).fill(0xff);
  if (count % 8 !== 0) literal[literal.length - 1] = 0xff00 >> (count % 8);
  if (literal.length === 0) return literal;
  const head: number[] = [];
  for (let rest = literal.length * 2; ; rest = Math.floor(rest / 128)) {
    head.push(rest >= 128 ? (rest % 128) + 128 : rest);
    if (rest < 128) break;
  }
  return Uint8Array.from([...head, ...literal]);
}

/** Waits until something is so, for as long as anything still happens without the clock. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await settle();
}

/** Two feeds of ours, connected. */
export async function pair(a: Feed, b: Feed, live = true): Promise<[Replication, Replication]> {
  const [here, there] = memoryPair();
  return Promise.all([replicate(here, { feeds: a, live }), replicate(there, { feeds: b, live })]);
}
