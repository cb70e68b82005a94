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

class Unpacker extends FrameReader<Packet> {
  readonly #reader: Reader;

  constructor({ frameBytes, channels }: Pick<Limits, 'frameBytes' | 'channels'>, watcher?: FrameWatcher) {
    const reader = new Reader();
    super(frameBytes, (bytes, start, end) => readPacket(bytes, start, end, channels, reader), watcher);
    this.#reader = reader;
  }

  /** An idle session holds no chunk. */
  flush(): void {
    this.#reader.release();
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

/** Takes one packet per push and hands out a whole batch as one chunk, which spans its buffer. */
export class Encoder implements Machine<Packet<Sendable>, Uint8Array> {
  readonly #onEncoded: OnEncoded | undefined;
  #packets: Packet<Sendable>[] = [];
  /** Bytes of each one's body. */
  #bodies: number[] = [];
  /** Bytes of their frames. */
  #size = 0;
  readonly #measure = new Measure();
  readonly #writer = new Writer();

  constructor(onEncoded?: OnEncoded) {
    this.#onEncoded = onEncoded;
  }

  /** @throws TypeError, RangeError for what cannot be written. */
  push(packet: Packet<Sendable>): void {
    const body = this.#measure;
    body.length = 0;
    writePacket(packet.channel, packet.message, body);
    this.#packets.push(packet);
    this.#bodies.push(body.length);
    this.#size += varintLength(body.length) + body.length;
  }

  flush(out: Uint8Array[]): void {
    if (this.#size === 0) return;
    const writer = this.#writer;
    writer.start(this.#size);
    for (let i = 0; i < this.#packets.length; i++) {
      const packet = this.#packets[i]!;
      const { channel, message } = packet;
      const length = this.#bodies[i]!;
      writer.varint(length);
      const start = writer.length;
      writePacket(channel, message, writer);
      if (writer.length !== start + length)
        throw new TypeError(`a "${message.type}" was changed after it was sent: send another one instead`);
    }
    this.#onEncoded?.(this.#packets, this.#bodies, this.#size);
    out.push(writer.take());
    this.#packets = [];
    this.#bodies = [];
    this.#size = 0;
  }
}

/** One packet as a frame of its own. */
export function frame(channel: number, message: Sendable): Uint8Array {
  const out: Uint8Array[] = [];
  const encoder = new Encoder();
  encoder.push({ channel, message });
  encoder.flush(out);
  return out[0]!;
}
