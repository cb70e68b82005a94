/** Every cap on what a peer can make this side hold or do, each with its reason. All can be set. */
import { assertInteger } from './errors.ts';

/** Counts, bytes and milliseconds; see {@link defaultLimits} for the values and their reasons. */
export interface Limits {
  /** Bytes of one frame's body. */
  readonly frameBytes: number;
  /** Bytes of the first frame's body, which is read before the remote has shown that it knows a key. */
  readonly firstFrameBytes: number;
  /** Channels that each side may open, over the whole session: one for each Feed that the remote sends. */
  readonly channels: number;
  /** Unreadable messages that a session tolerates before it ends. */
  readonly unreadableMessages: number;
  /** Messages that wait for a feed not opened on this side. */
  readonly unopenedMessages: number;
  /** Bytes that wait for all feeds not opened on this side. */
  readonly unopenedBytes: number;
  /** Milliseconds for which a feed that the remote opened may stay unopened on this side. */
  readonly unopenedMs: number;
  /** Bytes received on a channel and not yet consumed, past which the session stops reading. */
  readonly channelBytes: number;
  /** Bytes sent on a channel and not yet taken by the transport, past which `writable()` waits. */
  readonly sendBytes: number;
  /** Extension names taken from a Handshake. */
  readonly extensionNames: number;
  /** UTF-16 code units of one extension name. */
  readonly extensionNameLength: number;
  /** Requests of one peer that wait for their answer. */
  readonly requests: number;
  /** Requests in a row that one peer may refuse although it announced the blocks. */
  readonly refusals: number;
  /** Blocks of a feed that is not this side's own. */
  readonly feedBlocks: number;
  /** Bytes of a feed that is not this side's own. */
  readonly feedBytes: number;
  /** Milliseconds without a received byte after which the session ends. */
  readonly idleMs: number;
  /** Milliseconds without a sent byte after which a keepalive goes out. */
  readonly keepaliveMs: number;
}

/** The limits that apply by default. */
export const defaultLimits: Limits = {
  // hypercore-protocol 6 refuses more, so more cannot travel.
  frameBytes: 8_388_608,
  // A Feed with its nonce takes 62 bytes at most; a later dialect may add fields.
  firstFrameBytes: 1024,
  // hypercore-protocol since 6.8.0, which opens no more than that either, and never uses a number again.
  channels: 256,
  // A peer of a newer minor version may send what we cannot read; one that sends nothing else is broken.
  unreadableMessages: 64,
  // hypercore-protocol 6 keeps 17 and hangs up at the 18th.
  unopenedMessages: 17,
  // The reference has no such cap and would hold 17 * 8 MiB for each of 255 channels.
  unopenedBytes: 1_048_576,
  // An app that asks its user, or a disk, is done by then; the reference waits for as long as the stream lasts.
  unopenedMs: 60_000,
  // Some 16 blocks of 64 KiB: what one peer has in flight at most.
  channelBytes: 1_048_576,
  sendBytes: 262_144,
  // Generous: Dat clients declare two or three.
  extensionNames: 256,
  extensionNameLength: 256,
  // hypercore 7 keeps 16 in flight; this leaves room for several selections of an eager client.
  requests: 1024,
  // 64 are in flight at most, so a peer that clears its feed meanwhile refuses no more than those.
  refusals: 1024,
  // A bitfield of 470 MB, which is read whenever the feed is opened. In blocks of 64 KiB it is 64 TiB.
  feedBlocks: 1_073_741_824,
  // 8 TiB: the largest file of the usual file systems is twice as long.
  feedBytes: 8_796_093_022_208,
  // hypercore-protocol 6 hangs up after 6.25 to 7.5 s of silence.
  idleMs: 7500,
  // It sends every 5 s; sooner leaves room for a slow timer before its shortest deadline of 6.25 s.
  keepaliveMs: 3750,
};

/** The defaults with `overrides` in their place. @throws TypeError, RangeError for an invalid value. */
export function withDefaults(overrides?: Partial<Limits>): Limits {
  if (overrides === undefined) return defaultLimits;
  const limits = { ...defaultLimits, ...overrides };
  for (const [name, value] of Object.entries(limits)) {
    if (!(name in defaultLimits)) {
      throw new RangeError(
        `"limits" expected one of ${Object.keys(defaultLimits).join(', ')}, got "${name}"`,
      );
    }
    assertInteger(`limits.${name}`, value, 1);
  }
  return limits;
}
