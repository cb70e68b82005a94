/** The codec as stages: frame bodies to packets on the way in, packets to frames on the way out. */
import type { Limits } from '../limits.ts';
import { type Machine, type Stage, stage } from '../stream/stage.ts';
import { decodePacket, encodePacket } from './codec.ts';
import type { Packet, Sendable } from './messages.ts';
import { varintLength, writeVarint } from './varint.ts';

/** Bodies in, packets out. */
export function decode(limits: Pick<Limits, 'channels'>): Stage<Uint8Array, Packet> {
  return stage(() => new Decoder(limits.channels));
}

/** Packets in, frames out: each batch goes out as one chunk, which the receiver may overwrite. */
export function encode(): Stage<Packet<Sendable>, Uint8Array> {
  return stage(() => new Encoder());
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

/** Writes one frame per push and hands out a whole batch as one chunk. */
export class Encoder implements Machine<Packet<Sendable>, Uint8Array> {
  #bodies: Uint8Array[] = [];
  #bytes = 0;

  push(packet: Packet<Sendable>): void {
    const body = encodePacket(packet.channel, packet.message);
    this.#bodies.push(body);
    this.#bytes += varintLength(body.byteLength) + body.byteLength;
  }

  flush(out: Uint8Array[]): void {
    if (this.#bodies.length === 0) return;
    const chunk = new Uint8Array(this.#bytes);
    let offset = 0;
    for (const body of this.#bodies) {
      offset = writeVarint(body.byteLength, chunk, offset);
      chunk.set(body, offset);
      offset += body.byteLength;
    }
    out.push(chunk);
    this.#bodies = [];
    this.#bytes = 0;
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
