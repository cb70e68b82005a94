/** The cipher as a stage: the same for both directions. Overwrites its input chunks. */
import { type Machine, type Stage, stage } from '../stream/stage.ts';
import type { CryptoProvider, Keystream } from './provider.ts';
import { XSalsa20 } from './xsalsa20.ts';

/**
 * XORs everything that flows through with the keystream of `key` (32 bytes) and `nonce` (24 bytes): that of `crypto`
 * where it has one of its own.
 */
export function cipher(
  key: Uint8Array,
  nonce: Uint8Array,
  crypto?: Pick<CryptoProvider, 'keystream'>,
): Stage<Uint8Array> {
  return stage(() => new Cipher(keystream(key, nonce, crypto)));
}

/** The keystream that {@link cipher} uses. */
export function keystream(
  key: Uint8Array,
  nonce: Uint8Array,
  crypto?: Pick<CryptoProvider, 'keystream'>,
): Keystream {
  return crypto?.keystream?.(key, nonce) ?? new XSalsa20(key, nonce);
}

class Cipher implements Machine<Uint8Array, Uint8Array> {
  readonly #keystream: Keystream;

  constructor(keystream: Keystream) {
    this.#keystream = keystream;
  }

  push(chunk: Uint8Array, out: Uint8Array[]): void {
    this.#keystream.xor(chunk);
    out.push(chunk);
  }
}
