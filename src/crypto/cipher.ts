/** The cipher as a stage: the same for both directions. Overwrites its input chunks. */
import { type Machine, type Stage, stage } from '../stream/stage.ts';
import { XSalsa20 } from './xsalsa20.ts';

/** XORs everything that flows through with the keystream of `key` (32 bytes) and `nonce` (24 bytes). */
export function cipher(key: Uint8Array, nonce: Uint8Array): Stage<Uint8Array> {
  return stage(() => new Cipher(key, nonce));
}

class Cipher implements Machine<Uint8Array, Uint8Array> {
  readonly #keystream: XSalsa20;

  constructor(key: Uint8Array, nonce: Uint8Array) {
    this.#keystream = new XSalsa20(key, nonce);
  }

  push(chunk: Uint8Array, out: Uint8Array[]): void {
    this.#keystream.xor(chunk);
    out.push(chunk);
  }
}
