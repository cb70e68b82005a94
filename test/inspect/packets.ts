/** Packet captures, made as `tcpdump` and Wireshark write them. */

/** A segment of TCP, before it is wrapped. */
export interface MadeSegment {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly sequence: number;
  readonly flags: number;
  readonly payload: Uint8Array;
}

export interface Endpoint {
  readonly address: Uint8Array;
  readonly port: number;
}

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const ACK = 16;

export const client: Endpoint = { address: Uint8Array.of(10, 0, 0, 1), port: 50_000 };
export const server: Endpoint = { address: Uint8Array.of(10, 0, 0, 2), port: 3282 };
const six = (last: number): Uint8Array => Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last);
export const client6: Endpoint = { address: six(1), port: 50_000 };
export const server6: Endpoint = { address: six(2), port: 3282 };

const word = (value: number): number[] => [(value >> 8) & 255, value & 255];
const long = (value: number): number[] => [...word(value >>> 16), ...word(value)];
const bytes = (...parts: Iterable<number>[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));
const zeros = (length: number): number[] => new Array<number>(length).fill(0);

/** The conversation as segments of `size` bytes: a handshake, the bytes in this order, and both ends. */
export function segmentsOf(
  chunks: readonly { direction: 'out' | 'in'; bytes: Uint8Array }[],
  { size = 100, start = { out: 0xffff_ff80, in: 7 }, from = client, to = server } = {},
): MadeSegment[] {
  const at = { out: (start.out + 1) >>> 0, in: (start.in + 1) >>> 0 };
  const none = new Uint8Array(0);
  const made = (
    direction: 'out' | 'in',
    sequence: number,
    flags: number,
    payload: Uint8Array = none,
  ): MadeSegment => {
    const [sender, receiver] = direction === 'out' ? [from, to] : [to, from];
    return { from: sender, to: receiver, sequence, flags, payload };
  };
  const segments = [made('out', start.out, SYN), made('in', start.in, SYN | ACK), made('out', at.out, ACK)];
  for (const { direction, bytes: all } of chunks) {
    for (let i = 0; i < all.byteLength; i += size) {
      const payload = all.subarray(i, i + size);
      segments.push(made(direction, at[direction], ACK, payload));
      at[direction] = (at[direction] + payload.byteLength) >>> 0;
    }
  }
  return [...segments, made('out', at.out, FIN | ACK), made('in', at.in, FIN | ACK)];
}

/** With the header of TCP, twelve bytes of options and that of IP, whose version the addresses tell. */
export function ipPacket({ from, to, sequence, flags, payload }: MadeSegment): Uint8Array {
  const ports = [...word(from.port), ...word(to.port)];
  const tcp = bytes(ports, long(sequence), long(0), [0x80, flags], word(4096), zeros(4), zeros(12), payload);
  if (from.address.byteLength === 16) {
    // A destination header of 8 bytes is in between.
    const length = word(tcp.byteLength + 8);
    return bytes([0x60, 0, 0, 0], length, [60, 64], from.address, to.address, [6, 0], zeros(6), tcp);
  }
  const length = word(20 + tcp.byteLength);
  return bytes([0x45, 0], length, zeros(2), [0x40, 0], [64, 6, 0, 0], from.address, to.address, tcp);
}

const etherType = (ip: Uint8Array): number[] => (ip[0]! >> 4 === 6 ? [0x86, 0xdd] : [8, 0]);

/** The links that are read, by their number: an IP packet as it is on each. */
export const links: Readonly<Record<number, (ip: Uint8Array) => Uint8Array>> = {
  0: (ip) => bytes([ip[0]! >> 4 === 6 ? 30 : 2, 0, 0, 0], ip),
  108: (ip) => bytes([0, 0, 0, ip[0]! >> 4 === 6 ? 24 : 2], ip),
  // With a VLAN's tag, and padded as short frames are.
  1: (ip) => bytes(zeros(12), [0x81, 0, 0, 5], etherType(ip), ip, zeros(Math.max(0, 46 - ip.byteLength))),
  101: (ip) => ip,
  113: (ip) => bytes(zeros(14), etherType(ip), ip),
  276: (ip) => bytes(etherType(ip), zeros(18), ip),
};

const number32 = (value: number, isLittle: boolean): number[] =>
  isLittle ? long(value).reverse() : long(value);
const number16 = (value: number, isLittle: boolean): number[] =>
  isLittle ? word(value).reverse() : word(value);

/** A pcap of these packets, one a millisecond, in either order of bytes and in micro- or nanoseconds. */
export function pcapOf(
  packets: readonly Uint8Array[],
  { link = 1, isLittle = true, isNano = false } = {},
): Uint8Array {
  const n = (value: number): number[] => number32(value, isLittle);
  const header = [n(isNano ? 0xa1b23c4d : 0xa1b2c3d4), number16(2, isLittle), number16(4, isLittle)];
  return bytes(
    ...header,
    ...[n(0), n(0), n(262_144), n(link)],
    ...packets.flatMap((packet, i) => {
      const ticks = i * (isNano ? 1_000_000 : 1000);
      return [n(1_700_000_000), n(ticks), n(packet.byteLength), n(packet.byteLength), packet];
    }),
  );
}

/** A pcapng of these packets, one a millisecond: a section, an interface in nanoseconds, and a block for each. */
export function pcapngOf(packets: readonly Uint8Array[], { link = 1, isLittle = true } = {}): Uint8Array {
  const n = (value: number): number[] => number32(value, isLittle);
  const block = (type: number, ...body: Iterable<number>[]): Uint8Array => {
    const inside = bytes(...body);
    const padding = zeros((4 - (inside.byteLength % 4)) % 4);
    const length = n(12 + inside.byteLength + padding.length);
    return bytes(n(type), length, inside, padding, length);
  };
  const section = block(0x0a0d0d0a, n(0x1a2b3c4d), number16(1, isLittle), zeros(2), zeros(8).fill(255));
  const resolution = [...number16(9, isLittle), ...number16(1, isLittle), 9, 0, 0, 0, ...zeros(4)];
  const about = block(1, number16(link, isLittle), zeros(2), n(0), resolution);
  const all = packets.map((packet, i) => {
    const ticks = 1_700_000_000_000_000_000n + BigInt(i) * 1_000_000n;
    const [high, low] = [Number(ticks >> 32n), Number(ticks & 0xffff_ffffn)];
    return block(6, n(0), n(high), n(low), n(packet.byteLength), n(packet.byteLength), packet);
  });
  // A block of a type that nobody knows is passed over.
  return bytes(section, about, block(0xbad, [1, 2, 3]), ...all);
}
