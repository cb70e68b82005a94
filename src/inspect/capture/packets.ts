/** The files that `tcpdump` and Wireshark write, as packets: pcap, and pcapng. */
import { Gathered } from '../gathered.ts';

/** A packet of the link, as far as it was captured. */
export interface CapturedPacket {
  /** Milliseconds since 1970, or since whatever the file counts from. */
  readonly time: number;
  /** The number of the link's type (LINKTYPE_…). */
  readonly linkType: number;
  /** A view, until the listener returns. */
  readonly bytes: Uint8Array;
}

export interface PacketHost {
  onPacket(packet: CapturedPacket): void;
  onNote(text: string): void;
}

/** Bytes of one packet or block. Captures are cut at 256 KiB. */
const MAX_BLOCK_BYTES = 16_777_216;
const PCAP_HEADER_BYTES = 24;
const PCAP_RECORD_BYTES = 16;

/** How the two formats begin, read as a big-endian number. */
export const pcapMagics: readonly number[] = [0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1];
export const PCAPNG_MAGIC = 0x0a0d0d0a;
const LITTLE_ENDIAN_MAGICS: readonly number[] = [0xd4c3b2a1, 0x4d3cb2a1];
const NANOSECOND_MAGICS: readonly number[] = [0xa1b23c4d, 0x4d3cb2a1];

/** What both formats share: parts of a known length, one after the other. */
abstract class Parts {
  protected readonly host: PacketHost;
  readonly #held = new Gathered();
  #isBroken = false;

  constructor(host: PacketHost) {
    this.host = host;
  }

  /** Bytes of the part that `held` starts with; `undefined` until that is known. */
  protected abstract partLength(held: DataView): number | undefined;
  /** Reads a whole part. */
  protected abstract readPart(part: DataView): void;

  push(chunk: Uint8Array): void {
    if (this.#isBroken) return;
    this.#held.append(chunk);
    const held = this.#held.bytes;
    let at = 0;
    for (;;) {
      const length = this.partLength(view(held.subarray(at)));
      if (length === undefined) break;
      if (length < 1 || length > MAX_BLOCK_BYTES) {
        this.#isBroken = true;
        this.host.onNote(`a packet of ${length} bytes: the file is damaged from there on`);
        return this.#held.drop(held.byteLength);
      }
      if (at + length > held.byteLength) break;
      this.readPart(view(held.subarray(at, at + length)));
      at += length;
    }
    this.#held.drop(at);
  }

  end(): void {
    if (this.#held.bytes.byteLength > 0) this.host.onNote('the file ends inside a packet');
  }
}

/** The older format: a header, then packets of one link. */
export class Pcap extends Parts {
  #isLittleEndian = false;
  #ticksPerMs = 1000;
  #linkType: number | undefined;

  protected partLength(held: DataView): number | undefined {
    if (this.#linkType === undefined) return PCAP_HEADER_BYTES;
    if (held.byteLength < PCAP_RECORD_BYTES) return undefined;
    return PCAP_RECORD_BYTES + held.getUint32(8, this.#isLittleEndian);
  }

  protected readPart(part: DataView): void {
    if (this.#linkType === undefined) {
      const magic = part.getUint32(0);
      this.#isLittleEndian = LITTLE_ENDIAN_MAGICS.includes(magic);
      if (NANOSECOND_MAGICS.includes(magic)) this.#ticksPerMs = 1e6;
      // The upper half tells of check sequences behind the packets.
      this.#linkType = part.getUint32(20, this.#isLittleEndian) & 0xffff;
      return;
    }
    const seconds = part.getUint32(0, this.#isLittleEndian);
    const ticks = part.getUint32(4, this.#isLittleEndian);
    const time = seconds * 1000 + ticks / this.#ticksPerMs;
    this.host.onPacket({ time, linkType: this.#linkType, bytes: from(part, PCAP_RECORD_BYTES) });
  }
}

interface Interface {
  readonly linkType: number;
  readonly ticksPerMs: number;
  readonly offsetMs: number;
}

/** The newer format: blocks, some of which describe interfaces, and some of which are packets of one of them. */
export class Pcapng extends Parts {
  #isLittleEndian = false;
  #interfaces: Interface[] = [];

  protected partLength(held: DataView): number | undefined {
    if (held.byteLength < 12) return undefined;
    // Each section says anew which byte comes first.
    if (held.getUint32(0) === PCAPNG_MAGIC) this.#isLittleEndian = held.getUint32(8) === 0x4d3c2b1a;
    const length = held.getUint32(4, this.#isLittleEndian);
    return length < 12 ? 0 : length + ((4 - (length % 4)) % 4);
  }

  protected readPart(part: DataView): void {
    const isLittleEndian = this.#isLittleEndian;
    const type = part.getUint32(0, isLittleEndian);
    if (type === PCAPNG_MAGIC) this.#interfaces = [];
    else if (type === 1 && part.byteLength >= 20) this.#interfaces.push(this.#interface(part));
    else if (type === 6 && part.byteLength >= 32) this.#packet(part, part.getUint32(8, isLittleEndian));
    else if (type === 2 && part.byteLength >= 32) this.#packet(part, part.getUint16(8, isLittleEndian));
    else if (type === 3 && part.byteLength >= 16) {
      const { linkType } = this.#interfaces[0] ?? {};
      // It has no time of its own, and no length but that of the block.
      const length = Math.min(part.getUint32(8, isLittleEndian), part.byteLength - 16);
      if (linkType !== undefined) this.host.onPacket({ time: 0, linkType, bytes: from(part, 12, length) });
    }
  }

  #packet(part: DataView, id: number): void {
    const { linkType, ticksPerMs, offsetMs } = this.#interfaces[id] ?? {};
    if (linkType === undefined || ticksPerMs === undefined || offsetMs === undefined) {
      return this.host.onNote(`a packet of interface ${id}, which was not described`);
    }
    const ticks =
      part.getUint32(12, this.#isLittleEndian) * 0x1_0000_0000 + part.getUint32(16, this.#isLittleEndian);
    const length = Math.min(part.getUint32(20, this.#isLittleEndian), part.byteLength - 32);
    this.host.onPacket({ time: offsetMs + ticks / ticksPerMs, linkType, bytes: from(part, 28, length) });
  }

  #interface(part: DataView): Interface {
    const isLittleEndian = this.#isLittleEndian;
    let ticksPerMs = 1000;
    let offsetMs = 0;
    for (let at = 16; at + 4 <= part.byteLength - 4; ) {
      const code = part.getUint16(at, isLittleEndian);
      const length = part.getUint16(at + 2, isLittleEndian);
      if (code === 0 || at + 4 + length > part.byteLength - 4) break;
      if (code === 9 && length === 1) ticksPerMs = resolution(part.getUint8(at + 4)) / 1000;
      if (code === 14 && length === 8) offsetMs = Number(part.getBigInt64(at + 4, isLittleEndian)) * 1000;
      at += 4 + length + ((4 - (length % 4)) % 4);
    }
    return { linkType: part.getUint16(8, isLittleEndian), ticksPerMs, offsetMs };
  }
}

/** Ticks a second. */
function resolution(code: number): number {
  return code >= 0x80 ? 2 ** (code - 0x80) : 10 ** code;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function from(part: DataView, start: number, length: number = part.byteLength - start): Uint8Array {
  return new Uint8Array(part.buffer, part.byteOffset + start, length);
}
