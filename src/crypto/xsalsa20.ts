/** XSalsa20 as one continuous keystream with a position. This is the one door to the kernel that makes it. */
import { hsalsa } from '@noble/ciphers/salsa.js';
import { assertBytes } from '../errors.ts';
import { GROUP, type Kernel, WINDOW } from './xsalsa20/kernel.ts';
import { plainKernel } from './xsalsa20/plain.ts';
import { simdKernel } from './xsalsa20/simd.ts';

const BLOCK = 64;
/** "expand 32-byte k": Salsa20's constants, at 0, 20, 40 and 60 of its input block. */
const SIGMA = Uint8Array.from('expand 32-byte k', (character) => character.charCodeAt(0));

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
  readonly #input = new Uint8Array(BLOCK);
  /** The next block that was not made yet. */
  #block: number;
  /** A group of which the end, from `#used` on, is not used yet: short chunks share one call. */
  readonly #ahead = new Uint8Array(GROUP);
  #used: number = GROUP;

  /** @throws TypeError, RangeError where `key` is not 32 bytes or `nonce` is not 24. */
  constructor(key: Uint8Array, nonce: Uint8Array);
  /** @internal On a kernel of choice, and from a block other than the first. */
  constructor(key: Uint8Array, nonce: Uint8Array, on?: Kernel, block?: number);
  constructor(key: Uint8Array, nonce: Uint8Array, on: Kernel = kernel(), block = 0) {
    assertBytes('key', key, 32);
    assertBytes('nonce', nonce, 24);
    const subkey = new Uint32Array(8);
    hsalsa(words(SIGMA), words(key), words(nonce.subarray(0, 16)), subkey);
    const input = this.#input;
    for (let i = 0; i < 4; i++) input.set(SIGMA.subarray(4 * i, 4 * i + 4), 20 * i);
    const bytes = new Uint8Array(subkey.buffer);
    input.set(bytes.subarray(0, 16), 4);
    input.set(nonce.subarray(16), 24);
    input.set(bytes.subarray(16), 44);
    this.#kernel = on;
    this.#block = block;
  }

  /** Enciphers or deciphers `bytes` in place, from where the last call stopped. */
  xor(bytes: Uint8Array): void {
    let offset = this.#xorAhead(bytes, 0);
    while (bytes.byteLength - offset >= GROUP) offset = this.#xorGroups(bytes, offset);
    if (offset === bytes.byteLength) return;
    this.#makeAhead();
    this.#xorAhead(bytes, offset);
  }

  /** Uses what was made ahead; returns how far into `bytes` it came. */
  #xorAhead(bytes: Uint8Array, offset: number): number {
    const ahead = this.#ahead;
    const used = this.#used;
    const count = Math.min(GROUP - used, bytes.byteLength - offset);
    for (let i = 0; i < count; i++) bytes[offset + i]! ^= ahead[used + i]!;
    this.#used = used + count;
    return offset + count;
  }

  #makeAhead(): void {
    const { group } = this.#kernel;
    group.fill(0);
    this.#makeBlocks(GROUP);
    this.#ahead.set(group);
    this.#used = 0;
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

/** The same bytes as words, in the machine's own order, as noble takes them. */
function words(bytes: Uint8Array): Uint32Array {
  // Not `slice`, which of a Buffer is no copy.
  return new Uint32Array(new Uint8Array(bytes).buffer);
}
