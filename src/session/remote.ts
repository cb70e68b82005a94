/** Who the other side of a session is. */
import type { Limits } from '../limits.ts';
import type { Handshake } from '../wire/messages.ts';
import { NONE } from './none.ts';

/** What the remote says of itself in its Handshake. */
export interface Remote {
  /** New with each session, unless the remote chose otherwise; empty where it sent none. */
  readonly id: Uint8Array;
  readonly live: boolean;
  readonly ack: boolean;
  readonly userData: Uint8Array | undefined;
  /** All names that the remote declared, in its own order; '' for one over the limit. */
  readonly extensions: readonly string[];
}

/** Reads a Handshake within the limits; `drop` is told what was left out. */
export function readRemote(handshake: Handshake, limits: Limits, drop: (reason: string) => void): Remote {
  const { id = new Uint8Array(0), live, ack, userData, extensions: names } = handshake;
  const { extensionNames, extensionNameLength } = limits;
  const isLong = (name: string): boolean => name.length > extensionNameLength;
  if (names.length > extensionNames) drop(`extension names past the first ${extensionNames}`);
  if (names.some(isLong)) drop(`extension names of more than ${extensionNameLength} characters`);
  // One that is too long keeps its place, since the number of a name is its place.
  const extensions =
    names.length === 0 ? NONE : names.slice(0, extensionNames).map((name) => (isLong(name) ? '' : name));
  // Copies: the message is a view of a received chunk, which would be kept alive.
  return { id: id.slice(), live, ack, userData: userData?.slice(), extensions };
}
