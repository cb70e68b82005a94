/** What went wrong with a session, in words that say what to do. */
import { toHex } from '../crypto/hex.ts';
import { ProtocolError } from '../errors.ts';

/** How far a session has come: `asked` is the discovery key that `keys` is looking up. */
export interface Progress {
  readonly isOpen: boolean;
  readonly hasSpoken: boolean;
  readonly asked: Uint8Array | undefined;
}

/** Nothing was received within the idle deadline. A slow `keys` is this program's fault, not the remote's. */
export function idleFault({ isOpen, hasSpoken, asked }: Progress, idleMs: number): Error {
  const seconds = idleMs / 1000;
  if (isOpen) {
    return new ProtocolError('timeout', `nothing came from the remote for ${seconds} s: reconnect`);
  }
  if (hasSpoken) {
    return new ProtocolError(
      'timeout',
      `the remote did not answer within ${seconds} s: check that a Hypercore 6 peer listens there`,
    );
  }
  if (asked !== undefined) {
    return new Error(`"keys" did not answer within ${seconds} s for ${toHex(asked)}`);
  }
  return new ProtocolError(
    'no-feed',
    `the remote named no feed within ${seconds} s, and this side waits for that: give one of the two sides a "key"`,
  );
}

/** The transport threw `error`. */
export function transportFault({ isOpen, hasSpoken }: Progress, error: unknown): ProtocolError {
  const isNamed = error instanceof ProtocolError;
  if (isNamed && (error.code !== 'transport' || isOpen || !hasSpoken)) return error;
  // What a transport advises, such as to reconnect, is not what helps here.
  const reason = isNamed
    ? error.reason.replace(/: [^:()]*$/, '')
    : error instanceof Error
      ? error.message
      : String(error);
  // A peer that refuses often cannot do so gently: closing with unread bytes from us turns its end into a reset.
  return hasSpoken && !isOpen
    ? new ProtocolError(
        'refused',
        `the connection was lost before the remote's Handshake (${reason}): it does not have this feed, or does not want this peer: check the key`,
        { cause: error },
      )
    : new ProtocolError('transport', `the connection failed: ${reason}`, { cause: error });
}

/** The remote ended before its Handshake. */
export function hungUp(): ProtocolError {
  return new ProtocolError(
    'refused',
    'the remote hung up before its Handshake: it does not have this feed, or does not want this peer: check the key',
  );
}

/** The remote's first feed is one that `keys` does not find. */
export function unknownFeed(discoveryKey: Uint8Array): ProtocolError {
  return new ProtocolError(
    'unknown-feed',
    `the remote asks for the feed of discovery key ${toHex(discoveryKey)}, which this side does not have`,
  );
}
