/**
 * Makes the WASM module that `simd.ts` runs: `node src/crypto/xsalsa20/generate.mjs [output file]`, by default
 * into `simd-code.ts` beside it. What it computes is written in `kernel` below.
 *
 * The memory is one page:
 *
 *     0   the input block of Salsa20, 64 bytes: constants, key and nonce
 *     64  the window, whose first bytes are XORed with the keystream
 *
 * Four blocks are computed at once, in the lanes of sixteen 128-bit vectors: x[i] holds word i of all four. A fifth in
 * ordinary words beside them is no gain where the processor's core is ours alone, and a loss of a quarter where
 * something else runs on its other half.
 */
import { generate, i32, i32x4, i64, i64x2, local, loopWhile, set, tee, v128 } from '../wasm/assembler.mjs';

const WINDOW = 64;
const BLOCK = 64;
const BLOCKS = 4;
const DOUBLE_ROUNDS = 10;
/** Double rounds a turn of the loop: between two turns V8 moves vectors about. Still more at once are no faster. */
const UNROLLED = 2;

// Locals: three parameters, then those of each type in turn.

const bytes = 0;
const counterLow = 1;
const counterHigh = 2;
const at = 3;
const round = 4;
const counter = 5;
const sum = 6;
const low = 7;
const high = 8;
const x = Array.from({ length: 16 }, (_, i) => 9 + i);
const locals = { i32: 2, i64: 1, v128: 19 };

const zero = i32.const(0);

/** x[b] ^= (x[a] + x[d]) <<< bits. Two XORs of what is shifted each way: V8 makes more of that than of a rotation and one. */
const step = (b, a, d, bits) => {
  const shiftedLeft = i32x4.shl(tee(sum, i32x4.add(local(x[a]), local(x[d]))), bits);
  return set(x[b], v128.xor(v128.xor(local(x[b]), shiftedLeft), i32x4.shr(local(sum), 32 - bits)));
};

/** Quarter-rounds that do not depend on each other, step by step. */
const quarterRounds = (quarters) =>
  [
    ([a, b, , d]) => [b, a, d, 7],
    ([a, b, c]) => [c, b, a, 9],
    ([, b, c, d]) => [d, c, b, 13],
    ([a, , c, d]) => [a, d, c, 18],
  ].flatMap((order) => quarters.flatMap((quarter) => step(...order(quarter))));
/** The columns of the four by four words, then the rows, each from the diagonal on. */
const doubleRound = [
  ...quarterRounds([0, 5, 10, 15].map((i) => [0, 4, 8, 12].map((down) => (i + down) % 16))),
  ...quarterRounds([0, 5, 10, 15].map((i) => [0, 1, 2, 3].map((right) => (i & 12) + ((i + right) % 4)))),
];

/** The counters of the four blocks, 64 bits each: their low words into `low`, the high ones into `high`. */
const counters = () => {
  const pair = (first) =>
    i64x2.add(
      i64x2.splat(local(counter)),
      v128.const(first, 0, 0, 0, 0, 0, 0, 0, first + 1, 0, 0, 0, 0, 0, 0, 0),
    );
  return [
    ...set(low, i32x4.pick(pair(0), pair(2), [0, 2, 4, 6])),
    ...set(high, i32x4.pick(pair(0), pair(2), [1, 3, 5, 7])),
  ];
};

const input = (i) => {
  if (i === 8) return local(low);
  if (i === 9) return local(high);
  return v128.splat(zero, 4 * i);
};

/** XORs the words, 4q to 4q + 3 of a block, into the window. */
const xorWindow = (block, q, words) => {
  const offset = WINDOW + block * BLOCK + 16 * q;
  return v128.store(local(at), offset, v128.xor(v128.load(local(at), offset), words));
};

/** XORs words 4q to 4q + 3 of each block into the window: turns four words of a lane into a vector, lane by lane. */
const xorQuarter = (q) => {
  const [a, b, c, d] = x.slice(4 * q, 4 * q + 4);
  const out = (block, words) => xorWindow(block, q, words);
  return [
    // a0 b0 a1 b1, and so on; `sum` is free by now.
    ...set(sum, i32x4.pick(local(a), local(b), [0, 4, 1, 5])),
    ...set(b, i32x4.pick(local(a), local(b), [2, 6, 3, 7])),
    ...set(a, i32x4.pick(local(c), local(d), [0, 4, 1, 5])),
    ...set(d, i32x4.pick(local(c), local(d), [2, 6, 3, 7])),
    ...out(0, i32x4.pick(local(sum), local(a), [0, 1, 4, 5])),
    ...out(1, i32x4.pick(local(sum), local(a), [2, 3, 6, 7])),
    ...out(2, i32x4.pick(local(b), local(d), [0, 1, 4, 5])),
    ...out(3, i32x4.pick(local(b), local(d), [2, 3, 6, 7])),
  ];
};

/**
 * xor(bytes, counterLow, counterHigh): `bytes` is a multiple of 256, and more than 0; the counter is that of the
 * first block.
 */
const kernel = [
  ...set(counter, i64.or(i64.extend(local(counterLow)), i64.shl(i64.extend(local(counterHigh)), 32))),
  ...loopWhile(
    i32.lessThan(local(at), local(bytes)),
    counters(),
    x.flatMap((lanes, i) => set(lanes, input(i))),
    set(round, i32.const(DOUBLE_ROUNDS)),
    loopWhile(
      local(round),
      Array(UNROLLED).fill(doubleRound).flat(),
      set(round, i32.sub(local(round), i32.const(UNROLLED))),
    ),
    x.flatMap((lanes, i) => set(lanes, i32x4.add(local(lanes), input(i)))),
    [0, 1, 2, 3].flatMap(xorQuarter),
    set(counter, i64.add(local(counter), i64.const(BLOCKS))),
    set(at, i32.add(local(at), i32.const(BLOCKS * BLOCK))),
  ),
];

generate(import.meta.url, { name: 'xor', parameters: 3, locals, code: kernel });
