/** The codec as stages: frames or their bodies to packets on the way in, packets to frames on the way out. */
import type { Limits } from '../limits.ts';
import { type Machine, type Stage, stage } from '../stream/stage.ts';
import { decodePacket, readPacket, writePacket } from './codec.ts';
import { FrameReader, type FrameWatcher } from './frame.ts';
import type { Packet, Sendable } from './messages.ts';
import { Reader } from './reader.ts';
import { varintLength } from './varint.ts';
import { Measure, Writer } from './writer.ts';

/** Bodies in, packets out. */
export function decode(limits: Pick<Limits, 'channels'>): Stage<Uint8Array, Packet> {
  return stage(() => new Decoder(limits.channels));
}

/** {@link deframe} and {@link decode} in one, which saves a view for each body. */
export function unpack(
  limits: Pick<Limits, 'frameBytes' | 'channels'>,
  watcher?: FrameWatcher,
): Stage<Uint8Array, Packet> {
  return stage(() => new Unpacker(limits, watcher));
}

/** One for all: nothing else happens between the start of a packet and its end. */
const reader: Reader = new Reader();

/** The machine of {@link unpack}. */
export class Unpacker extends FrameReader<Packet> {
  readonly #maxChannels: number;

  constructor(limits: Pick<Limits, 'frameBytes' | 'channels'>, watcher?: FrameWatcher) {
    super(limits.frameBytes, watcher);
    this.#maxChannels = limits.channels;
  }

  /** Nothing that is idle holds a chunk. */
  flush(): void {
    reader.release();
  }

  protected override read(bytes: Uint8Array, start: number, end: number): Packet {
    return readPacket(bytes, start, end, this.#maxChannels, reader);
  }
}

/** Told of each batch that was made into frames: its packets, the bytes of each one's body, and of all the frames. */
export type OnEncoded = (
  packets: readonly Packet<Sendable>[],
  bodies: readonly number[],
  byteLength: number,
) => void;

/** Packets in, frames out: each batch goes out as one chunk, which the receiver may overwrite. */
export function encode(onEncoded?: OnEncoded): Stage<Packet<Sendable>, Uint8Array> {
  return stage(() => new Encoder(onEncoded));
}

/** Reads one body per push. Throws what {@link decodePacket} throws. */
export class Decoder implements Machine<Uint8Array, Packet> {
  readonly #maxChannels: number;

  constructor(maxChannels: number) {
    this.#maxChannels = maxChannels;
  }

  push(body: Uint8Array, out: Packet[]): void {
    out.push(decodePacket(body, this.#maxChannels));
  }
}

/** One of each for all, and kept, as {@link Reader} says. */
const measure: Measure = new Measure();
const writer: Writer = new Writer();

/** Takes one packet per push and hands out a whole batch as one chunk, which spans its buffer. */
export class Encoder implements Machine<Packet<Sendable>, Uint8Array> {
  readonly #onEncoded: OnEncoded | undefined;
  #packets: Packet<Sendable>[] = [];
  #bodies: number[] = [];

  constructor(onEncoded?: OnEncoded) {
    this.#onEncoded = onEncoded;
  }

  /** @throws TypeError, RangeError for what cannot be written. */
  push(packet: Packet<Sendable>): void {
    this.#bodies.push(bodyBytes(packet));
    this.#packets.push(packet);
  }

  flush(out: Uint8Array[]): void {
    if (this.#packets.length === 0) return;
    out.push(frames(this.#packets, this.#bodies, this.#onEncoded));
    this.#packets = [];
    this.#bodies = [];
  }
}

/** A batch of one packet or more as one chunk. @throws TypeError, RangeError for what cannot be written. */
export function encodeBatch(packets: readonly Packet<Sendable>[], onEncoded?: OnEncoded): Uint8Array {
  return frames(packets, packets.map(bodyBytes), onEncoded);
}

/** One packet as a frame of its own. */
export function frame(channel: number, message: Sendable): Uint8Array {
  return encodeBatch([{ channel, message }]);
}

function bodyBytes({ channel, message }: Packet<Sendable>): number {
  measure.length = 0;
  writePacket(channel, message, measure);
  return measure.length;
}

/** `bodies`: bytes of each one's body. */
function frames(
  packets: readonly Packet<Sendable>[],
  bodies: readonly number[],
  onEncoded: OnEncoded | undefined,
): Uint8Array {
  let size = 0;
  for (const length of bodies) size += varintLength(length) + length;
  writer.start(size);
  for (let i = 0; i < packets.length; i++) {
    const { channel, message } = packets[i]!;
    const length = bodies[i]!;
    writer.varint(length);
    const start = writer.length;
    writePacket(channel, message, writer);
    if (writer.length !== start + length)
      throw new TypeError(`a "${message.type}" was changed after it was sent: send another one instead`);
  }
  onEncoded?.(packets, bodies, size);
  return writer.take();
}
