/** The kernels behind XSalsa20: each is the other's twin, and both that of Salsa20 as its specification writes it. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GROUP, type Kernel, WINDOW } from '../../src/crypto/xsalsa20/kernel.ts';
import { plainKernel } from '../../src/crypto/xsalsa20/plain.ts';
import { simdKernel } from '../../src/crypto/xsalsa20/simd.ts';
import { XSalsa20 } from '../../src/crypto/xsalsa20.ts';
import { hex } from '../vectors/index.ts';
import { salsa20Block } from './salsa20-twin.ts';

const simd = simdKernel()!;
const plain = plainKernel();

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

/** An input block as Salsa20 has it, of the 64 bytes. */
function withConstants(bytes: Uint8Array): Uint8Array {
  const constants = new TextEncoder().encode('expand 32-byte k');
  for (let i = 0; i < 4; i++) bytes.set(constants.subarray(4 * i, 4 * i + 4), 20 * i);
  return bytes;
}

/** What a kernel makes of `data`. */
function made(kernel: Kernel, input: Uint8Array, block: number, data: Uint8Array): string {
  kernel.window.fill(0xee);
  kernel.window.set(data);
  kernel.xor(input, block, data.byteLength);
  return hex(kernel.window.subarray(0, data.byteLength));
}

/** The same by the specification, whatever the counter. */
function expected(input: Uint8Array, block: number, data: Uint8Array): string {
  const out = data.slice();
  for (let i = 0; i < out.byteLength; i += 64) {
    const keystream = salsa20Block(input, BigInt(block) + BigInt(i / 64));
    for (let j = 0; j < 64; j++) out[i + j]! ^= keystream[j]!;
  }
  return hex(out);
}

describe.each([
  ['in WASM', simd],
  ['in plain JavaScript', plain],
])('the kernel %s', (_name, kernel) => {
  const groups = fc.integer({ min: 1, max: 4 }).chain((count) => bytesOf(count * GROUP));
  // Where the low word of the counter is about to run over in the WASM's lanes, and where it is signed in theirs.
  const blocks = fc.oneof(
    fc.integer({ min: 0, max: 100 }),
    fc.integer({ min: 2 ** 31 - 20, max: 2 ** 31 + 20 }),
    fc.integer({ min: 0, max: 2 ** 32 - 1 - (4 * GROUP) / 64 }),
  );

  it('computes Salsa20', () => {
    fc.assert(
      fc.property(bytesOf(64).map(withConstants), blocks, groups, (input, block, data) => {
        expect(made(kernel, input, block, data)).toBe(expected(input, block, data));
      }),
    );
  });

  it('leaves what is behind in the window', () => {
    kernel.window.fill(7);
    kernel.xor(new Uint8Array(64), 0, GROUP);
    expect(kernel.window.subarray(GROUP).every((byte) => byte === 7)).toBe(true);
  });
});

describe('the kernel in WASM', () => {
  it('is there on all that the tests run on', () => {
    expect(simdKernel()).toBeDefined();
  });

  it('counts on where 32 bits end, in every lane', () => {
    const input = new Uint8Array(64).fill(5);
    const data = new Uint8Array(2 * GROUP);
    for (let before = 0; before < 11; before++) {
      for (const block of [2 ** 32 - before, 3 * 2 ** 32 - before, 2 ** 52 - before]) {
        expect(made(simd, input, block, data)).toBe(expected(input, block, data));
      }
    }
  });

  describe('is not used', () => {
    afterEach(() => vi.unstubAllGlobals());

    it.each([
      ['without WebAssembly', { WebAssembly: undefined }],
      ['without SIMD', { WebAssembly: { validate: (): boolean => false } }],
      [
        'where a policy forbids WASM',
        {
          WebAssembly: {
            validate: (): boolean => true,
            Module: class {
              constructor() {
                throw new EvalError('refused by the Content-Security-Policy');
              }
            },
          },
        },
      ],
    ])('%s', (_name, globals) => {
      for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
      expect(simdKernel()).toBeUndefined();
    });
  });
});

describe('the kernel in plain JavaScript', () => {
  it('ends where noble cannot count on, and says so', () => {
    const input = withConstants(new Uint8Array(64));
    const data = new Uint8Array(GROUP);
    const last = 2 ** 32 - 1 - GROUP / 64;
    expect(made(plain, input, last, data)).toBe(made(simd, input, last, data));
    expect(() => plain.xor(input, last + 1, GROUP)).toThrow(
      new RangeError('a keystream ends after 256 GiB where there is no WASM with SIMD: connect again'),
    );
  });
});

describe('XSalsa20 on either kernel', () => {
  const key = new Uint8Array(32).fill(1);
  const nonce = new Uint8Array(24).fill(2);

  it('is the same over any chunks, wherever they lie in memory, and streams do not disturb each other', () => {
    const chunk = fc.tuple(
      fc.oneof(
        fc.integer({ min: 0, max: 700 }),
        fc.integer({ min: 0, max: 40_000 }),
        fc.constantFrom(GROUP, 2 * GROUP, WINDOW - GROUP, WINDOW, WINDOW + 1, 2 * WINDOW),
      ),
      fc.integer({ min: 0, max: 17 }),
    );
    const chunks = fc.array(chunk, { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(bytesOf(32), bytesOf(24), chunks, (key, nonce, chunks) => {
        const streams = [simd, plain].map((kernel) => new XSalsa20(key, nonce, kernel));
        const other = new XSalsa20(
          key.map((byte) => byte ^ 1),
          nonce,
          simd,
        );
        for (const [length, start] of chunks) {
          const [ours, twin] = streams.map((stream) => {
            const bytes = new Uint8Array(length + start + 3).fill(9).subarray(start, start + length);
            stream.xor(bytes);
            other.xor(new Uint8Array(start));
            expect(new Uint8Array(bytes.buffer, start + length)).toEqual(new Uint8Array(3).fill(9));
            return bytes;
          });
          expect(Buffer.compare(ours!, twin!)).toBe(0);
        }
      }),
    );
  });

  it('goes on over 256 GiB as the specification does', () => {
    const block = 2 ** 32 - 6;
    const whole = new Uint8Array(3000);
    new XSalsa20(key, nonce, simd, block).xor(whole);
    const pieces = new Uint8Array(3000);
    const stream = new XSalsa20(key, nonce, simd, block);
    for (let at = 0; at < pieces.byteLength; at += 77) stream.xor(pieces.subarray(at, at + 77));
    expect(hex(pieces)).toBe(hex(whole));
    // Beyond the counter's low word nothing repeats what the stream began with.
    const start = new Uint8Array(64);
    new XSalsa20(key, nonce, simd).xor(start);
    expect(hex(whole)).not.toContain(hex(start));
  });

  it('says so where the keystream ends', () => {
    const stream = new XSalsa20(key, nonce, plain, 2 ** 32 - 1 - GROUP / 64);
    stream.xor(new Uint8Array(GROUP));
    expect(() => stream.xor(new Uint8Array(1))).toThrow(/256 GiB/);
  });
});
