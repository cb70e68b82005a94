/** XSalsa20 as one continuous keystream with a position. This is the one door to the kernel that makes it. */
import { hsalsa } from '@noble/ciphers/salsa.js';
import { assertBytes } from '../errors.ts';
import { GROUP, type Kernel, WINDOW } from './xsalsa20/kernel.ts';
import { plainKernel } from './xsalsa20/plain.ts';
import { simdKernel } from './xsalsa20/simd.ts';

const BLOCK = 64;
const KEY_AT = 16;
const NONCE_AT = 48;
const SUBKEY_AT = 64;

/**
 * Where HSalsa20 makes the subkey of a key and the first 16 bytes of a nonce: bytes, and views of them as words, in the
 * machine's own order, as noble takes them. They start with Salsa20's constants.
 */
const derivation = (() => {
  const bytes = new Uint8Array(96);
  const words = (start: number, end: number): Uint32Array =>
    new Uint32Array(bytes.buffer, start, (end - start) / 4);
  for (let i = 0; i < 16; i++) bytes[i] = 'expand 32-byte k'.charCodeAt(i);
  return {
    bytes,
    sigma: words(0, KEY_AT),
    keyWords: words(KEY_AT, NONCE_AT),
    nonceWords: words(NONCE_AT, SUBKEY_AT),
    subkey: words(SUBKEY_AT, 96),
  };
})();

let fastest: Kernel | undefined;

/** The fastest kernel that runs here; loaded on first use. */
function kernel(): Kernel {
  fastest ??= simdKernel() ?? plainKernel();
  return fastest;
}

/** The keystream of one direction: key 32 bytes, nonce 24 bytes, block counter from 0. At least 256 GiB long. */
export class XSalsa20 {
  readonly #kernel: Kernel;
  /** Salsa20's input block, with zeros for the counter. */
  readonly #input: Uint8Array;
  /** The next block that was not made yet. */
  #block: number;
  /** How much of the last group is used. */
  #used: number = GROUP;
  /**
   * That group, so that short chunks share one call. Kept from the second chunk on: a buffer takes longer to make than
   * the keystream of a first short one, and a session has two.
   */
  #ahead: Uint8Array | undefined;

  /** @throws TypeError, RangeError where `key` is not 32 bytes or `nonce` is not 24. */
  constructor(key: Uint8Array, nonce: Uint8Array);
  /** @internal On a kernel of choice, and from a block other than the first. */
  constructor(key: Uint8Array, nonce: Uint8Array, on?: Kernel, block?: number);
  constructor(key: Uint8Array, nonce: Uint8Array, on: Kernel = kernel(), block = 0) {
    assertBytes('key', key, 32);
    assertBytes('nonce', nonce, 24);
    const { bytes, sigma, keyWords, nonceWords, subkey } = derivation;
    bytes.set(key, KEY_AT);
    // By hand: a view would move the caller's bytes out of V8's heap, for as long as they live.
    for (let i = 0; i < 16; i++) bytes[NONCE_AT + i] = nonce[i]!;
    hsalsa(sigma, keyWords, nonceWords, subkey);
    const input = new Uint8Array(BLOCK);
    for (let i = 0; i < 16; i++) {
      // The four constants are on the diagonal.
      input[20 * (i >> 2) + (i & 3)] = bytes[i]!;
      input[4 + i] = bytes[SUBKEY_AT + i]!;
      input[44 + i] = bytes[SUBKEY_AT + 16 + i]!;
    }
    for (let i = 0; i < 8; i++) input[24 + i] = nonce[16 + i]!;
    bytes.fill(0, KEY_AT);
    this.#input = input;
    this.#kernel = on;
    this.#block = block;
  }

  /** Enciphers or deciphers `bytes` in place, from where the last call stopped. */
  xor(bytes: Uint8Array): void {
    let offset = this.#xorAhead(bytes, 0);
    while (bytes.byteLength - offset >= GROUP) offset = this.#xorGroups(bytes, offset);
    if (offset === bytes.byteLength) return;
    const group = this.#makeGroup();
    this.#ahead?.set(group);
    this.#used = 0;
    this.#xorRest(bytes, offset, group);
  }

  /** Uses what is left of the last group; returns how far into `bytes` it came. */
  #xorAhead(bytes: Uint8Array, offset: number): number {
    if (this.#used === GROUP) return offset;
    if (this.#ahead === undefined) {
      this.#block -= GROUP / BLOCK;
      this.#ahead = this.#makeGroup().slice();
    }
    return this.#xorRest(bytes, offset, this.#ahead);
  }

  #xorRest(bytes: Uint8Array, offset: number, group: Uint8Array): number {
    const used = this.#used;
    const count = Math.min(GROUP - used, bytes.byteLength - offset);
    for (let i = 0; i < count; i++) bytes[offset + i]! ^= group[used + i]!;
    this.#used = used + count;
    return offset + count;
  }

  /** The next group, in the kernel's window. */
  #makeGroup(): Uint8Array {
    const { group } = this.#kernel;
    group.fill(0);
    this.#makeBlocks(GROUP);
    return group;
  }

  /** Whole groups, as many as the window takes; returns how far into `bytes` they came. */
  #xorGroups(bytes: Uint8Array, offset: number): number {
    const { window } = this.#kernel;
    const left = bytes.byteLength - offset;
    const count = Math.min(left - (left % GROUP), WINDOW);
    window.set(bytes.subarray(offset, offset + count));
    this.#makeBlocks(count);
    bytes.set(count === WINDOW ? window : window.subarray(0, count), offset);
    return offset + count;
  }

  /** XORs the first `count` bytes of the window with the next blocks. */
  #makeBlocks(count: number): void {
    this.#kernel.xor(this.#input, this.#block, count);
    this.#block += count / BLOCK;
  }
}
