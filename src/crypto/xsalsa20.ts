/**
 * XSalsa20 as one continuous keystream with a position. This is the one door to the kernel: a faster one
 * replaces `blocks` and nothing else.
 */
import { hsalsa, salsa20 } from '@noble/ciphers/salsa.js';
import { assertBytes } from '../errors.ts';

const BLOCK = 64;
/** Keystream made at once for what is not a whole block, so that short chunks share one call. */
const AHEAD = 8 * BLOCK;
/** Bytes copied at once for alignment; a multiple of the block. */
const SCRATCH = 256 * BLOCK;
/** "expand 32-byte k" as little-endian words. */
const SIGMA = new Uint32Array([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);

/** The keystream of one direction: key 32 bytes, nonce 24 bytes, block counter from 0. Up to 256 GiB long. */
export class XSalsa20 {
  readonly #key: Uint8Array;
  readonly #nonce: Uint8Array;
  readonly #ahead = new Uint8Array(AHEAD);
  /** Keystream bytes of `#ahead` that were used up. */
  #used: number = AHEAD;
  /** The next block that was not made yet. */
  #block = 0;

  constructor(key: Uint8Array, nonce: Uint8Array) {
    assertBytes('key', key, 32);
    assertBytes('nonce', nonce, 24);
    const subkey = new Uint32Array(8);
    hsalsa(SIGMA, words(key), words(nonce.subarray(0, 16)), subkey);
    this.#key = new Uint8Array(32);
    subkey.forEach((word, i) => {
      new DataView(this.#key.buffer).setUint32(4 * i, word, true);
    });
    this.#nonce = nonce.slice(16);
  }

  /** Enciphers or deciphers `bytes` in place, from where the last call stopped. */
  xor(bytes: Uint8Array): void {
    let offset = this.#xorAhead(bytes, 0);
    const whole = Math.floor((bytes.byteLength - offset) / BLOCK) * BLOCK;
    if (whole >= AHEAD) {
      const part = bytes.subarray(offset, offset + whole);
      this.#blocks(part);
      offset += whole;
    }
    while (offset < bytes.byteLength) {
      this.#ahead.fill(0);
      this.#blocks(this.#ahead);
      this.#used = 0;
      offset = this.#xorAhead(bytes, offset);
    }
  }

  /** Uses up what was made ahead; returns how far into `bytes` it came. */
  #xorAhead(bytes: Uint8Array, offset: number): number {
    const ahead = this.#ahead;
    let used = this.#used;
    while (used < AHEAD && offset < bytes.byteLength) bytes[offset++]! ^= ahead[used++]!;
    this.#used = used;
    return offset;
  }

  /** Whole blocks, in place. */
  #blocks(data: Uint8Array): void {
    if (data.byteOffset % 4 === 0) return this.#alignedBlocks(data);
    // noble works byte by byte on a view that is not aligned to words, at less than half the speed.
    const scratch = new Uint8Array(Math.min(data.byteLength, SCRATCH));
    for (let offset = 0; offset < data.byteLength; offset += scratch.byteLength) {
      const part = data.subarray(offset, offset + scratch.byteLength);
      const copy = scratch.subarray(0, part.byteLength);
      copy.set(part);
      this.#alignedBlocks(copy);
      part.set(copy);
    }
  }

  #alignedBlocks(data: Uint8Array): void {
    salsa20(this.#key, this.#nonce, data, data, this.#block);
    this.#block += data.byteLength / BLOCK;
  }
}

function words(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: bytes.byteLength / 4 }, (_, i) => view.getUint32(4 * i, true));
}
