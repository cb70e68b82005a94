/**
 * What is fuzzed: each target takes any bytes, and throws only where something is broken. A peer's fault is a
 * ProtocolError, and no other error is to come of bytes that a peer sent.
 */
import { libsodium } from '../../src/crypto/libsodium.ts';
import { XSalsa20 } from '../../src/crypto/xsalsa20.ts';
import { BlockStore } from '../../src/feed/block-store.ts';
import { load } from '../../src/feed/files/load.ts';
import { SleepFiles } from '../../src/feed/files/sleep-files.ts';
import { Availability } from '../../src/feed/replication/availability.ts';
import { RemoteBlocks } from '../../src/feed/replication/remote-blocks.ts';
import type { FileName } from '../../src/feed/storage.ts';
import { Feed, memoryStorage, ProtocolError, replicate, StorageError } from '../../src/index.ts';
import { type FirstFrame, Opening } from '../../src/session/handshake.ts';
import { connect } from '../../src/session/session.ts';
import { decodeMessage, encodeMessage } from '../../src/wire/codec.ts';
import { readEphemeral } from '../../src/wire/ephemeral.ts';
import { Deframer } from '../../src/wire/frame.ts';
import type { Data, Message, Sendable } from '../../src/wire/messages.ts';
import { frame } from '../../src/wire/packet.ts';
import { read } from '../../src/wire/protobuf.ts';
import { decodeRle, encodeRle } from '../../src/wire/rle.ts';
import { readHello, readSealed } from '../../src/wire/sealed-ephemeral.ts';
import { readPresence, readSigned, readSignedBody } from '../../src/wire/signed-ephemeral.ts';
import { readVarint } from '../../src/wire/varint.ts';
import { FakeClock } from '../fake-clock.ts';
import { truthOf } from '../feed/scripted-peer.ts';
import { ScriptedTransport } from '../session/scripted.ts';

export interface Target {
  readonly name: string;
  /** Runs the target. Throws where something is broken. */
  run(bytes: Uint8Array): void | Promise<void>;
  /** Inputs to begin with. */
  readonly seeds: readonly Uint8Array[];
}

const crypto = await libsodium();
const blocks = Array.from({ length: 24 }, (_, i) => new Uint8Array(10 + i).fill(i));
const truth = await truthOf(blocks);

/** All that can go on without time, and without leaving the microtasks where that does. */
async function rest(): Promise<void> {
  await new Promise<void>((resolve) => void setImmediate(resolve));
}

/** Runs `work`, where a fault of the peer is a fine outcome. */
function allowing<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function isFault(work: () => void): boolean {
  return (
    allowing(() => {
      work();
      return true;
    }) === undefined
  );
}

function must(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(`broken: ${what}`);
}

/** Reads numbers and bytes out of an input, as many as it has; zeros behind its end. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  /** Small, or near a border that numbers have, or anything. */
  number(): number {
    const kind = this.byte();
    if (kind < 128) return kind;
    const border = [2 ** 53 - 1, 2 ** 32, 2 ** 31, 2 ** 20, 8192, 65_536, 2 ** 40, 2 ** 52][kind & 7]!;
    const offset = this.byte();
    return Math.min(
      Number.MAX_SAFE_INTEGER,
      Math.max(0, kind & 8 ? border - offset : border + (kind & 16 ? offset * 8192 : offset)),
    );
  }

  bytes(length: number = this.byte()): Uint8Array {
    const part = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }
}

/** A message out of an input: well formed, and with any numbers. */
function message(input: Reader): Exclude<Sendable, { type: 'feed' | 'handshake' | 'keepalive' }> {
  const kind = input.byte() % 10;
  const start = input.number();
  switch (kind) {
    case 0:
      return { type: 'have', start, length: input.number() };
    case 1:
      return {
        type: 'have',
        start: 8 * (start % 1000),
        length: [0, 1, 64, 8192, 1_048_576][input.byte() % 5]!,
        bitfield: input.bytes(input.byte() % 24),
      };
    case 2:
      return { type: 'unhave', start, length: input.number() };
    case 3:
      return { type: 'want', start, length: input.number() };
    case 4:
      return {
        type: 'request',
        index: start,
        bytes: input.number(),
        hash: input.byte() % 2 === 1,
        nodes: input.number(),
      };
    case 5:
      return { type: 'cancel', index: start };
    case 6:
      return { type: 'info', uploading: input.byte() % 2 === 1, downloading: input.byte() % 2 === 1 };
    case 7:
      return { type: 'extension', id: start, payload: input.bytes(input.byte() % 40) };
    case 8:
      return { type: 'unwant', start, length: input.number() };
    default:
      return data(input, start % 40);
  }
}

/** A Data message: the true one, but for what the input changes. */
function data(input: Reader, index: number): Data {
  const known = answers[index % answers.length]!;
  const nodes = known.nodes.map((node) => ({ ...node, hash: node.hash.slice() }));
  let { value, signature } = known;
  for (let changes = input.byte() % 4; changes > 0; changes--) {
    const node = nodes[input.byte() % Math.max(1, nodes.length)];
    switch (input.byte() % 8) {
      case 0:
        value = input.bytes(input.byte() % 40);
        break;
      case 1:
        value = undefined;
        break;
      case 2:
        if (node) node.hash[input.byte() % 32]! ^= 1;
        break;
      case 3:
        if (node) node.size = input.number();
        break;
      case 4:
        if (node) node.index = input.number();
        break;
      case 5:
        nodes.splice(input.byte() % (nodes.length + 1), 1);
        break;
      case 6:
        signature = input.byte() % 2 === 0 ? undefined : new Uint8Array(64).fill(input.byte());
        break;
      default:
        nodes.push(...nodes.slice(0, input.byte() % 4));
    }
  }
  if (value === undefined && nodes.length === 0) value = new Uint8Array(0);
  return {
    type: 'data',
    index: input.byte() % 8 === 0 ? input.number() : known.index,
    value,
    nodes,
    signature,
  };
}

const answers: Data[] = [];
for (let index = 0; index < blocks.length; index++)
  answers.push((await truth.answer({ type: 'request', index, bytes: 0, hash: index % 5 === 4, nodes: 0 }))!);

/** A peer whose chunks are the input: framed and well formed, or raw, on a session in clear. */
function chunks(input: Reader): Uint8Array[] {
  const made: Uint8Array[] = [];
  while (!input.isAtEnd && made.length < 60) {
    const kind = input.byte() % 8;
    if (kind < 5) made.push(frame(input.byte() % 8 === 0 ? input.byte() : 0, message(input)));
    else if (kind === 5) made.push(input.bytes(input.byte() % 32));
    else if (kind === 6)
      made.push(
        frame(input.byte() % 5, { type: 'feed', discoveryKey: new Uint8Array(32).fill(input.byte() % 4) }),
      );
    else
      made.push(
        frame(0, { type: 'handshake', id: input.bytes(4), extensions: ['a', 'b'].slice(input.byte() % 3) }),
      );
  }
  return made;
}

const seed = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const many = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) =>
    Uint8Array.from({ length: 30 + i }, (_, at) => (at * 37 * (i + 3) + i * 11) & 255),
  );
const KEY = truth.key;

export const targets: readonly Target[] = [
  {
    name: 'varint',
    seeds: [seed('00'), seed('ff7f'), seed('ffffffffffffff0f'), seed('80808080808080808080808000')],
    run(bytes) {
      const read = readVarint(bytes);
      if (read === undefined) return;
      must(Number.isSafeInteger(read.value) && read.value >= 0 && read.end <= bytes.length, 'a varint');
    },
  },
  {
    name: 'deframer',
    seeds: [seed('0003080102808080'), seed('ffffff03')],
    run(bytes) {
      const out: Uint8Array[] = [];
      const whole: Uint8Array[] = [];
      const deframer = new Deframer(200);
      const size = 1 + ((bytes[0] ?? 0) % 7);
      let fault = false;
      for (let at = 0; at < bytes.length && !fault; at += size)
        fault = isFault(() => deframer.push(bytes.subarray(at, at + size), out));
      const other = isFault(() => new Deframer(200).push(bytes, whole));
      must(fault === other && out.length === whole.length, 'the chunking makes a difference');
      must(
        out.every((body, i) => Buffer.compare(body, whole[i]!) === 0),
        'the bodies differ by the chunking',
      );
      if (!fault) allowing(() => deframer.end());
    },
  },
  {
    name: 'messages',
    seeds: [
      ...answers.slice(0, 3).map((answer) => Uint8Array.of(9, ...encodeMessage(answer))),
      ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 15].map((type) => Uint8Array.of(type, 8, 1, 16, 2, 26, 1, 7)),
      Uint8Array.of(
        0,
        ...encodeMessage({ type: 'feed', discoveryKey: new Uint8Array(32), nonce: new Uint8Array(24) }),
      ),
      Uint8Array.of(
        1,
        ...encodeMessage({ type: 'handshake', id: new Uint8Array(8), live: true, extensions: ['a', 'b'] }),
      ),
    ],
    run(bytes) {
      const decoded = allowing(() => decodeMessage((bytes[0] ?? 0) % 16, bytes.subarray(1)));
      if (decoded === undefined || decoded.type === 'unreadable' || decoded.type === 'unassigned') return;
      // What was read, written again and read again is the same. Text that was no UTF-8 has been mended.
      if (decoded.type === 'handshake' || decoded.type === 'keepalive') return;
      const again = decodeMessage(
        (bytes[0] ?? 0) % 16,
        encodeMessage(decoded as Exclude<Sendable, { type: 'keepalive' }>),
      );
      must(same(decoded, again), `${decoded.type} is another when it is written and read again`);
    },
  },
  {
    name: 'ephemeral',
    seeds: many(6),
    run(bytes) {
      for (const from of [
        readEphemeral,
        readSealed,
        readHello,
        readSigned,
        readSignedBody,
        readPresence,
      ] as const) {
        try {
          read(from as never, bytes);
        } catch (error) {
          // What cannot be read is some error there, and the registry drops it.
          if (!(error instanceof Error)) throw error;
        }
      }
    },
  },
  {
    name: 'rle',
    seeds: [
      seed('02e0'),
      seed('f70302f0'),
      seed('c9010201'),
      seed('8380808002'),
      encodeRle(new Uint8Array(300).fill(255)),
    ],
    run(bytes) {
      const bits = allowing(() => decodeRle(bytes, 4096));
      if (bits === undefined) return;
      must(bits.length <= 4096 + 3 && bits.length % 4 === 0, 'the size of a bitfield');
      const again = decodeRle(encodeRle(bits), 8192);
      must(
        bits.every((byte, i) => byte === (again[i] ?? 0)),
        'a bitfield is another when it is written and read again',
      );
    },
  },
  {
    name: 'ranges',
    seeds: many(12),
    run(bytes) {
      const input = new Reader(bytes);
      const known = new RemoteBlocks();
      const available = new Availability();
      while (!input.isAtEnd) {
        const start = input.number();
        const length = input.number();
        const kind = input.byte() % 4;
        const came = allowing(() => {
          if (kind === 0) known.add(start, length);
          else if (kind === 1) known.remove(start, length);
          else if (kind === 2) known.replace(8 * (start % 100_000), length, input.bytes(input.byte() % 20));
          else
            available.have({
              type: 'have',
              start,
              length,
              bitfield: input.byte() % 2 ? input.bytes(input.byte() % 20) : undefined,
              ack: false,
            });
          return true;
        });
        if (came === undefined) return;
        const end = known.length;
        must(end === 0 || (known.has(end - 1) && !known.has(end)), 'the length is where the last block is');
        const next = known.next(start);
        must(next === -1 || (next >= start && known.has(next)), 'the next block is one that is there');
        if (kind === 0 && length > 0 && start < Number.MAX_SAFE_INTEGER)
          must(known.has(start), 'what was added is there');
        if (kind === 1 && length > 0) must(!known.has(start), 'what was removed is gone');
      }
    },
  },
  {
    name: 'cipher',
    seeds: many(3),
    run(bytes) {
      // Any chunking, and any alignment, gives the same.
      const key = new Uint8Array(32).fill(bytes[0] ?? 0);
      const nonce = new Uint8Array(24).fill(bytes[1] ?? 0);
      const [one, other] = [new XSalsa20(key, nonce), new XSalsa20(key, nonce)];
      const whole = bytes.slice();
      one.xor(whole);
      const parts = bytes.slice();
      for (let at = 0; at < parts.length; ) {
        const size = 1 + ((parts.length * 7 + at * 13) % 70);
        other.xor(parts.subarray(at, at + size));
        at += size;
      }
      must(Buffer.compare(whole, parts) === 0, 'the keystream depends on the chunking');
    },
  },
  {
    name: 'proof',
    seeds: many(20),
    async run(bytes) {
      const input = new Reader(bytes);
      const files = new SleepFiles(memoryStorage());
      await files.open();
      const store = await BlockStore.load(files, KEY, crypto);
      for (let tries = 0; tries < 8 && !input.isAtEnd; tries++) {
        try {
          await store.put(data(input, input.byte() % 40));
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
        }
      }
      for (let index = 0; index < 30; index++) {
        const held = await store.read(index);
        if (held !== undefined) must(Buffer.compare(held, blocks[index]!) === 0, `block ${index} is false`);
      }
      must(store.length === 0 || store.length === blocks.length, 'a length that nobody signed');
      await store.close();
    },
  },
  {
    name: 'first frame',
    seeds: [
      frame(0, { type: 'feed', discoveryKey: truth.discoveryKey, nonce: new Uint8Array(24) }),
      ...many(4),
    ],
    run(bytes) {
      const size = 1 + ((bytes.at(-1) ?? 0) % 40);
      const opening = new Opening({ firstFrameBytes: 1024, channels: 256 });
      try {
        let first: FirstFrame | undefined;
        for (let at = 0; at < bytes.length && first === undefined; at += size)
          first = opening.push(bytes.slice(at, at + size));
        if (first === undefined) opening.end();
        else must(first.feed.discoveryKey.length === 32 && first.channel < 256, 'a first frame');
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    },
  },
  {
    name: 'session',
    seeds: many(30),
    async run(bytes) {
      const input = new Reader(bytes);
      const clock = new FakeClock();
      const transport = new ScriptedTransport();
      const limits = { unreadableMessages: 8, frameBytes: 10_000 };
      const connecting = connect(transport, {
        key: KEY,
        encrypted: false,
        crypto,
        clock,
        limits,
        extensions: ['a'],
        keys: () => undefined,
      });
      let session: Awaited<typeof connecting> | undefined;
      let fault: unknown;
      connecting.then(
        (opened) => {
          session = opened;
          opened.open(KEY).receive(() => {});
        },
        (error) => {
          fault = error;
        },
      );
      transport.arrive(frame(0, { type: 'feed', discoveryKey: truth.discoveryKey }), ...chunks(input));
      transport.end();
      await rest();
      await rest();
      const reason = session && (await session.closed);
      if (reason !== undefined && 'error' in reason) fault = reason.error;
      must(fault === undefined || fault instanceof ProtocolError, `a session ends with ${fault}`);
      must(session !== undefined || fault !== undefined, 'connecting settles');
      must(clock.pending === 0, 'no timer is left');
    },
  },
  {
    name: 'replication',
    seeds: many(60),
    async run(bytes) {
      const input = new Reader(bytes);
      const clock = new FakeClock();
      const transport = new ScriptedTransport();
      const kind = input.byte() % 3;
      const feed =
        kind === 0
          ? await Feed.create(memoryStorage(), {
              crypto,
              keyPair: crypto.keyPair(new Uint8Array(32).fill(1)),
            })
          : await Feed.open(memoryStorage(), { key: KEY, crypto, sparse: kind === 1 });
      if (kind === 0) await feed.append(blocks.slice(0, 5));
      const replicating = replicate(transport, {
        feeds: feed,
        live: input.byte() % 2 === 0,
        encrypted: false,
        crypto,
        clock,
      });
      transport.arrive(
        frame(0, { type: 'feed', discoveryKey: truth.discoveryKey }),
        frame(0, { type: 'handshake', id: Uint8Array.of(9) }),
      );
      const replication = await replicating;
      const waiting = kind === 1 ? [feed.get(3), feed.seek(50)] : [];
      for (const wait of waiting) wait.catch(() => {});
      transport.arrive(...chunks(input));
      await rest();
      await rest();
      if (input.byte() % 4 === 0) await clock.advance(20_000);
      transport.end();
      await rest();
      const closing = replication.closed;
      let reason: Awaited<typeof closing> | undefined;
      void closing.then((ended) => {
        reason = ended;
      });
      for (let i = 0; i < 4 && reason === undefined; i++) await rest();
      if (reason === undefined) await clock.advance(20_000);
      must(reason !== undefined, 'a session ends');
      if (reason !== undefined && 'error' in reason)
        must(reason.error instanceof ProtocolError, `a replication ends with ${reason.error}`);
      for (let index = 0; index < feed.length; index++) {
        if (feed.has(index))
          must(
            Buffer.compare(await feed.get(index, { wait: false }), blocks[index]!) === 0,
            `block ${index} is false`,
          );
      }
      await feed.close();
      for (const wait of waiting) await wait.catch(() => {});
      must(feed.peers.length === 0 && clock.pending === 0, 'nothing is left');
    },
  },
  {
    name: 'files',
    seeds: many(8),
    async run(bytes) {
      const input = new Reader(bytes);
      const storage = memoryStorage();
      const files = new SleepFiles(storage);
      await files.open();
      await files.commit({ key: KEY });
      const store = await BlockStore.load(files, KEY, crypto);
      for (const answer of answers.slice(0, 4)) await store.put(answer);
      await store.close();
      // Not a peer's doing, but whoever hands over a folder may have changed it.
      const names: FileName[] = ['key', 'tree', 'signatures', 'bitfield', 'data'];
      for (let changes = input.byte() % 6; changes > 0; changes--) {
        const file = storage.file(names[input.byte() % names.length]!);
        file.write(Math.min(file.size() + 5, input.number() % 8000), input.bytes(input.byte() % 12));
      }
      try {
        await load(storage);
        const opened = new SleepFiles(storage);
        await opened.open();
        const again = await BlockStore.load(opened, opened.key!, crypto);
        for (let index = 0; index < 6; index++) await again.read(index);
        await again.close();
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
      }
    },
  },
];

function same(one: Message, other: Message): boolean {
  const plain = (value: Message): string =>
    JSON.stringify(value, (_, part) =>
      part instanceof Uint8Array ? Buffer.from(part).toString('hex') : part,
    );
  return plain(one) === plain(other);
}
