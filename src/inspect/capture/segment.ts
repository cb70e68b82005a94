/** From a packet of the link to a segment of TCP: what is around it, and what is in it. */
import { toHex } from '../../crypto/hex.ts';
import type { CapturedPacket } from './packets.ts';

/** A segment of TCP. */
export interface Segment {
  /** `address:port`, with an IPv6 address in brackets. */
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly sequence: number;
  readonly isSyn: boolean;
  readonly isAck: boolean;
  readonly isFin: boolean;
  readonly isReset: boolean;
  /** A view, as far as it was captured. */
  readonly payload: Uint8Array;
}

/** A segment; a text for what should have been one and cannot be read; `undefined` for anything else. */
export function segmentOf({ linkType, bytes }: CapturedPacket): Segment | string | undefined {
  const packet = ipOf(linkType, bytes);
  if (typeof packet === 'string' || packet === undefined) return packet;
  const version = packet.byteLength === 0 ? 0 : packet[0]! >> 4;
  if (version === 4) return ofIpv4(packet);
  if (version === 6) return ofIpv6(packet);
  return undefined;
}

const ETHER_IPV4 = 0x0800;
const ETHER_IPV6 = 0x86dd;
const vlanTypes: readonly number[] = [0x8100, 0x88a8, 0x9100];

/** What the link carries, where that is IP. */
function ipOf(linkType: number, bytes: Uint8Array): Uint8Array | string | undefined {
  switch (linkType) {
    // Loopback, as BSD and macOS have it; the address family in front is another number on each.
    case 0:
    case 108:
      return bytes.subarray(4);
    case 1: {
      let at = 12;
      while (vlanTypes.includes(word(bytes, at))) at += 4;
      return isIp(word(bytes, at)) ? bytes.subarray(at + 2) : undefined;
    }
    // Raw IP.
    case 12:
    case 14:
    case 101:
    case 228:
    case 229:
      return bytes;
    // Linux, all interfaces at once: cooked, and its second version.
    case 113:
      return isIp(word(bytes, 14)) ? bytes.subarray(16) : undefined;
    case 276:
      return isIp(word(bytes, 0)) ? bytes.subarray(20) : undefined;
    default:
      return `packets of link type ${linkType}, which is none of Ethernet, loopback, Linux cooked and raw IP`;
  }
}

function isIp(type: number): boolean {
  return type === ETHER_IPV4 || type === ETHER_IPV6;
}

function ofIpv4(packet: Uint8Array): Segment | string | undefined {
  const headerBytes = 4 * (packet[0]! & 15);
  if (packet.byteLength < headerBytes || headerBytes < 20 || packet[9] !== TCP) return undefined;
  if ((word(packet, 6) & 0x3fff) !== 0) return FRAGMENTS;
  // Where the network card cuts the packets, the machine itself sees one without a length.
  const total = word(packet, 2) || packet.byteLength;
  const address = (at: number): string => [...packet.subarray(at, at + 4)].join('.');
  return ofTcp(packet.subarray(headerBytes, total), address(12), address(16));
}

/** Headers between that of IPv6 and TCP's: hop-by-hop, routing, destination. */
const passedOver: readonly number[] = [0, 43, 60];
const FRAGMENT = 44;
const TCP = 6;
const FRAGMENTS = 'fragments of IP packets, which are not put together here';

function ofIpv6(packet: Uint8Array): Segment | string | undefined {
  if (packet.byteLength < 40) return undefined;
  const end = 40 + (word(packet, 4) || packet.byteLength - 40);
  let next = packet[6]!;
  let at = 40;
  while (passedOver.includes(next) && at + 8 <= packet.byteLength) {
    next = packet[at]!;
    at += 8 * (packet[at + 1]! + 1);
  }
  if (next === FRAGMENT) return FRAGMENTS;
  if (next !== TCP) return undefined;
  return ofTcp(packet.subarray(at, end), ipv6(packet.subarray(8, 24)), ipv6(packet.subarray(24, 40)));
}

/** In brackets, groups of zeros as `::` where there are some. */
function ipv6(bytes: Uint8Array): string {
  const groups = toHex(bytes).match(/.{4}/g) ?? [];
  const text = groups.map((group) => group.replace(/^0{1,3}/, '')).join(':');
  const longest = (text.match(/\b0(:0\b)+/g) ?? []).sort((a, b) => b.length - a.length)[0];
  return `[${
    longest === undefined
      ? text
      : text
          .replace(longest, '')
          .replace(/^:?|:?$/g, ':')
          .replace(/:{2,}/, '::')
  }]`;
}

function ofTcp(segment: Uint8Array, from: string, to: string): Segment | undefined {
  if (segment.byteLength < 20) return undefined;
  const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength);
  const headerBytes = 4 * (view.getUint8(12) >> 4);
  if (headerBytes < 20 || headerBytes > segment.byteLength) return undefined;
  const [fromPort, toPort, flags] = [view.getUint16(0), view.getUint16(2), view.getUint8(13)];
  return {
    from: `${from}:${fromPort}`,
    to: `${to}:${toPort}`,
    fromPort,
    toPort,
    sequence: view.getUint32(4),
    isFin: (flags & 1) !== 0,
    isSyn: (flags & 2) !== 0,
    isReset: (flags & 4) !== 0,
    isAck: (flags & 16) !== 0,
    payload: segment.subarray(headerBytes),
  };
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
