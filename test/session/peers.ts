/** Sessions to test with: two over memory, or one against a script. */

import { type CryptoProvider, discoveryKey } from '../../src/crypto/index.ts';
import { libsodium } from '../../src/crypto/libsodium.ts';
import type { Channel, ChannelMessage } from '../../src/session/channel.ts';
import type { ConnectOptions } from '../../src/session/options.ts';
import { connect, type Session } from '../../src/session/session.ts';
import { memoryPair } from '../../src/transport/memory.ts';
import type { Sendable } from '../../src/wire/messages.ts';
import { frame } from '../../src/wire/packet.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import { ScriptedTransport } from './scripted.ts';

export const crypto: CryptoProvider = await libsodium();

/** Keys of three feeds, and the names under which they travel. */
export const keys = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
export const names = keys.map((key) => discoveryKey(crypto, key)) as typeof keys;
export const [KEY, OTHER] = keys;
export const [NAME, OTHER_NAME] = names;

export const say = (channel: number, message: Sendable): Uint8Array => frame(channel, message);
export const join = (...chunks: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(chunks));
export const have = (start: number) => ({ type: 'have', start }) as const;
/** A Data message of about as many bytes. */
export const data = (index: number, bytes: number) =>
  ({ type: 'data', index, value: new Uint8Array(bytes) }) as const;

/** Two sessions on one feed, joined in memory. */
export async function pair(
  a: Partial<ConnectOptions> = {},
  b: Partial<ConnectOptions> = {},
): Promise<[Session, Session]> {
  const [left, right] = memoryPair();
  return Promise.all([
    connect(left, { key: KEY, crypto, clock: new FakeClock(), ...a }),
    connect(right, { key: KEY, crypto, clock: new FakeClock(), ...b }),
  ]);
}

export interface Scripted {
  readonly session: Session;
  readonly transport: ScriptedTransport;
  readonly clock: FakeClock;
  /** Reasons of what was passed over. */
  readonly dropped: string[];
  /** Lets a message of the script arrive. */
  says(channel: number, message: Sendable): Promise<void>;
}

/** A session in clear on KEY, whose other side is a script that has opened the same on channel 0. */
export async function scripted(
  options: Partial<ConnectOptions> = {},
  names: string[] = [],
): Promise<Scripted> {
  const transport = new ScriptedTransport();
  const clock = new FakeClock();
  const dropped: string[] = [];
  const connecting = connect(transport, {
    key: KEY,
    encrypted: false,
    crypto,
    clock,
    trace: (event) => void (event.type === 'warning' && dropped.push(event.reason)),
    ...options,
  });
  transport.arrive(
    say(0, { type: 'feed', discoveryKey: NAME }),
    say(0, { type: 'handshake', id: Uint8Array.of(9), extensions: names }),
  );
  const session = await connecting;
  const says = (channel: number, message: Sendable): Promise<void> => {
    transport.arrive(say(channel, message));
    return settle();
  };
  return { session, transport, clock, dropped, says };
}

/** The outcome of a promise that has settled, or 'pending'. */
export async function outcome(promise: Promise<unknown>): Promise<unknown> {
  let result: unknown = 'pending';
  promise.then(
    (value) => {
      result = value;
    },
    (error) => {
      result = error;
    },
  );
  await settle();
  return result;
}

/** Starts to connect against a script. */
export function begin(options: Partial<ConnectOptions> = {}) {
  const transport = new ScriptedTransport();
  const clock = new FakeClock();
  const connecting = connect(transport, { key: KEY, crypto, clock, ...options });
  connecting.catch(() => {});
  return { transport, clock, connecting };
}

/** Collects what a channel receives. */
export function collect(channel: Channel): ChannelMessage[] {
  const received: ChannelMessage[] = [];
  channel.receive((batch) => void received.push(...batch));
  return received;
}

export const starts = (messages: readonly ChannelMessage[]): unknown[] =>
  messages.map((message) => ('start' in message ? message.start : message.type));

export const feed = (channel: number, discoveryKey: Uint8Array): Uint8Array =>
  say(channel, { type: 'feed', discoveryKey });

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

export async function take(source: AsyncIterable<Channel>, count: number): Promise<Channel[]> {
  const taken: Channel[] = [];
  for await (const channel of source) if (taken.push(channel) === count) break;
  return taken;
}
