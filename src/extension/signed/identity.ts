/**
 * Who signs. An identity is a key pair for one feed; by default a new one each time, so that nobody is recognised.
 * The holder of the feed's key may delegate an identity, once: then its messages count as the feed's own.
 */

import { discoveryKey } from '../../crypto/discovery-key.ts';
import { parseKey } from '../../crypto/hex.ts';
import { libsodium } from '../../crypto/libsodium.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import { type Signer, signer, statement } from '../../crypto/signer.ts';
import { assertBytes, assertInteger } from '../../errors.ts';

/** The feed's key says: this identity speaks for me, until then. */
export interface Delegation {
  /** Milliseconds since 1970. */
  readonly expires: number;
  /** 64 bytes, by the feed's key. */
  readonly signature: Uint8Array;
}

/** Who signs: a key pair, and what the author of the feed says of it. */
export interface Identity extends Signer {
  readonly delegation?: Delegation | undefined;
}

/** What {@link createIdentity} can be told. */
export interface IdentityOptions {
  /** The feed: 32 bytes, 64 hex characters or a `dat://` link. */
  readonly key: Uint8Array | string;
  /**
   * A secret of 32 bytes, for an identity that is the same each time. Those that one secret gives for two feeds
   * cannot be told to belong together. Default: a fresh one.
   */
  readonly seed?: Uint8Array | undefined;
  /** Default: libsodium. */
  readonly crypto?: CryptoProvider | undefined;
}

export const contexts = {
  identity: 'hypercore signed-ephemeral/1 identity',
  delegation: 'hypercore signed-ephemeral/1 delegation',
  message: 'hypercore signed-ephemeral/1 message',
  writer: 'hypercore signed-ephemeral/1 writer',
} as const;

/** Makes an identity for a feed. @throws TypeError, RangeError for an invalid key or seed. */
export async function createIdentity(options: IdentityOptions): Promise<Identity> {
  const { seed, crypto = await libsodium() } = options;
  const name = discoveryKey(crypto, parseKey(options.key));
  if (seed === undefined) return signer(crypto, crypto.keyPair());
  assertBytes('seed', seed, 32);
  return signer(crypto, crypto.keyPair(crypto.blake2b([statement(contexts.identity, name)], seed)));
}

/** What {@link delegate} can be told. */
export interface DelegateOptions {
  /** The identity's public key: 32 bytes. */
  readonly to: Uint8Array;
  /** Until when: milliseconds since 1970. */
  readonly expires: number;
  /** Default: libsodium. */
  readonly crypto?: CryptoProvider | undefined;
}

/** Lets an identity speak for the feed whose key `author` holds: `feed.signer`. It cannot delegate on. */
export async function delegate(author: Signer, options: DelegateOptions): Promise<Delegation> {
  const { to, expires, crypto = await libsodium() } = options;
  assertBytes('to', to, 32);
  assertInteger('expires', expires);
  const name = discoveryKey(crypto, author.publicKey);
  return { expires, signature: author.sign(delegationStatement(name, to, expires)) };
}

/** What a delegation signs: the feed's discovery key, the identity, and the end in 8 bytes, big-endian. */
export function delegationStatement(name: Uint8Array, identity: Uint8Array, expires: number): Uint8Array {
  const end = new Uint8Array(8);
  new DataView(end.buffer).setBigUint64(0, BigInt(expires));
  return statement(contexts.delegation, name, identity, end);
}
