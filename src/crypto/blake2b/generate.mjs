/**
 * Makes the WASM module that `simd.ts` runs: `node src/crypto/blake2b/generate.mjs [output file]`, by default into
 * `simd-code.ts` beside it. What it computes is written in `kernel` below.
 *
 * Two messages are hashed at once, in the lanes of sixteen 128-bit vectors: x[i] holds word i of both.
 *
 * The memory is one page:
 *
 *     0     the state of both: h, which is eight words, the bytes of the blocks so far, and the bytes of all
 *     256   h of two messages that begin
 *     512   the schedule: where the words of a block are that each round takes, in their order, a byte each
 *     768   the words of a block, of both
 *     1024  two windows, one for each message, to be filled with whole blocks
 */
import {
  generate,
  i8x16,
  i32,
  i32x4,
  i64,
  i64x2,
  local,
  loopWhile,
  set,
  tee,
  v128,
} from '../wasm/assembler.mjs';

const STEP = 16;
const H = 0;
const COUNTED = 8 * STEP;
const LENGTH = 9 * STEP;
const BEGIN = 256;
const SCHEDULE = 512;
const WORDS = 768;
const WINDOWS = 1024;
const WINDOW = 16_384;
const BLOCK = 128;
const ROUNDS = 12;

const INITIAL = [
  0x6a09e667f3bcc908n,
  0xbb67ae8584caa73bn,
  0x3c6ef372fe94f82bn,
  0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n,
  0x9b05688c2b3e6c1fn,
  0x1f83d9abfb41bd6bn,
  0x5be0cd19137e2179n,
];
/** No key, 32 bytes of hash, no tree: the parameters, which the first word of the state begins with. */
const PARAMETERS = 0x01010020n;
/** The order in which a round takes a block's words; rounds 10 and 11 are as 0 and 1. */
const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

// Locals: the parameter, then those of each type in turn.

const blocks = 0;
const at = 1;
const round = 2;
const word = 3;
const x = Array.from({ length: 16 }, (_, i) => 4 + i);
const before = 20;
const counted = 21;
const isLast = 22;
const locals = { i32: 3, i64: 0, v128: 19 };

const zero = i32.const(0);

/** Of two words each, the bytes that turn them right by whole bytes. */
const turned = (count) =>
  [0, 8].flatMap((lane) => [0, 1, 2, 3, 4, 5, 6, 7].map((i) => lane + ((i + count) % 8)));
/** Turns both words right. By bytes with a constant, which V8 keeps: what a shuffle goes by it makes again each time. */
const rotate = (value, bits) => {
  if (bits === 32) return i32x4.pick(tee(before, value), local(before), [1, 0, 3, 2]);
  if (bits % 8 === 0) return i8x16.swizzle(value, v128.const(...turned(bits / 8)));
  // By 63: one to the left is to add it to itself.
  return v128.or(i64x2.shr(tee(before, value), bits), i64x2.add(local(before), local(before)));
};

/** Steps of the mixing function G. */
const addWord = (a, b, n) => [
  ...set(word, i32.loadU8(local(round), SCHEDULE + n)),
  ...set(x[a], i64x2.add(i64x2.add(local(x[a]), v128.load(local(word), WORDS)), local(x[b]))),
];
const add = (a, b) => set(x[a], i64x2.add(local(x[a]), local(x[b])));
const xorRotate = (a, b, bits) => set(x[a], rotate(v128.xor(local(x[a]), local(x[b])), bits));

/** Of the four by four words: column `i`, shifted down by `shift` from one row to the next. */
const column = (i, shift) => [0, 1, 2, 3].map((row) => 4 * row + ((i + row * shift) % 4));
/**
 * G on the four columns, or with a shift of 1 the diagonals, which do not depend on each other, step by step. `n`: where
 * in the schedule of the round their words begin, two for each.
 */
const mix = (shift, n) =>
  [
    ([a, b], i) => addWord(a, b, n + 2 * i),
    ([a, , , d]) => xorRotate(d, a, 32),
    ([, , c, d]) => add(c, d),
    ([, b, c]) => xorRotate(b, c, 24),
    ([a, b], i) => addWord(a, b, n + 2 * i + 1),
    ([a, , , d]) => xorRotate(d, a, 16),
    ([, , c, d]) => add(c, d),
    ([, b, c]) => xorRotate(b, c, 63),
  ].flatMap((step) => [0, 1, 2, 3].flatMap((i) => step(column(i, shift), i)));
const fullRound = [...mix(0, 0), ...mix(1, 8)];

/** The words 2i and 2i + 1 of a block, from the windows to where rounds take them. */
const spread = (i) => {
  const [a, b] = [0, 1].map((message) => WINDOWS + message * WINDOW + 16 * i);
  const both = (words) => i64x2.pick(v128.load(local(at), a), v128.load(local(at), b), words);
  return [
    ...v128.store(zero, WORDS + 2 * i * STEP, both([0, 2])),
    ...v128.store(zero, WORDS + (2 * i + 1) * STEP, both([1, 3])),
  ];
};

/** What a block begins with: the state, then the initial words, into which the bytes so far and a flag of the last go. */
const start = (i) => {
  if (i < 8) return v128.load(zero, H + STEP * i);
  // Only the first has the parameters in what a message begins with.
  const initial = i === 8 ? i64x2.splat(i64.const(INITIAL[0])) : v128.load(zero, BEGIN + STEP * (i - 8));
  if (i === 12) return v128.xor(initial, v128.pick(v128.load(zero, LENGTH), local(counted), local(isLast)));
  if (i === 14) return v128.xor(initial, local(isLast));
  return initial;
};

/** compress(blocks): takes so many blocks, 1 or more, from the start of each window. A last one has zeros behind its end. */
const kernel = loopWhile(
  local(blocks),
  set(counted, i64x2.add(v128.load(zero, COUNTED), i64x2.splat(i64.const(BLOCK)))),
  v128.store(zero, COUNTED, local(counted)),
  set(isLast, i64x2.atLeast(local(counted), v128.load(zero, LENGTH))),
  [0, 1, 2, 3, 4, 5, 6, 7].flatMap(spread),
  x.flatMap((lanes, i) => set(lanes, start(i))),
  set(round, zero),
  // Twelve rounds one behind the other would be a sixth faster, in more code than a page compiles at once.
  loopWhile(
    i32.lessThan(local(round), i32.const(16 * ROUNDS)),
    fullRound,
    set(round, i32.add(local(round), i32.const(16))),
  ),
  x.slice(0, 8).flatMap((lanes, i) => {
    const mixed = v128.xor(local(lanes), local(x[i + 8]));
    return v128.store(zero, H + STEP * i, v128.xor(v128.load(zero, H + STEP * i), mixed));
  }),
  set(at, i32.add(local(at), i32.const(BLOCK))),
  set(blocks, i32.sub(local(blocks), i32.const(1))),
);

const begin = Buffer.alloc(COUNTED);
INITIAL.forEach((initial, i) => {
  for (const lane of [0, 8])
    begin.writeBigUInt64LE(i === 0 ? initial ^ PARAMETERS : initial, STEP * i + lane);
});
const schedule = Array.from({ length: ROUNDS }, (_, i) => SIGMA[i % 10].map((n) => STEP * n)).flat();
const data = new Map([
  [BEGIN, [...begin]],
  [SCHEDULE, schedule],
]);

generate(import.meta.url, { name: 'compress', parameters: 1, locals, code: kernel, data });
