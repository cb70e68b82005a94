/**
 * Makes the WASM module that `simd.ts` runs: `node src/crypto/xsalsa20/generate.mjs [output file]`, by default
 * into `simd-code.ts` beside it. What it computes is written in `kernel` below; `assemble` turns it into bytes.
 *
 * The memory is one page:
 *
 *     0    the input block of Salsa20, 64 bytes: constants, key and nonce; its counter becomes that of each fifth block
 *     64   a fifth block on its way to the window
 *     128  the window, whose first bytes are XORed with the keystream
 *
 * Five blocks are computed at once. Four are the lanes of sixteen 128-bit vectors: x[i] holds word i of all four. Their
 * instructions wait for each other's results, which leaves the processor room for a fifth in ordinary words: y[i]. It
 * costs next to nothing; a sixth has no registers left.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FIFTH = 64;
const WINDOW = 128;
const BLOCK = 64;
const COUNTER = 32;
const LANES = 4;
const BLOCKS = LANES + 1;
const DOUBLE_ROUNDS = 10;

// Instructions. Each is an array of bytes; operands come first, as on the machine's stack.

const leb = (value) => {
  const bytes = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return [...bytes, value];
};
/** The signed kind, of numbers from 0 on. */
const sleb = (value) => {
  const bytes = [];
  for (; value >= 0x40; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return [...bytes, value];
};
const simd = (opcode) => [0xfd, ...leb(opcode)];
const unaligned = (offset) => [0, ...leb(offset)];

const local = (index) => [0x20, ...leb(index)];
const set = (index, value) => [...value, 0x21, ...leb(index)];
/** Sets it and leaves the value there. */
const tee = (index, value) => [...value, 0x22, ...leb(index)];
/** Runs `body` again and again while `condition`, its end, is not 0. */
const loopWhile = (condition, ...body) => [0x03, 0x40, ...body.flat(), ...condition, 0x0d, 0, 0x0b];
const i32 = {
  const: (value) => [0x41, ...sleb(value)],
  lessThan: (a, b) => [...a, ...b, 0x49],
  add: (a, b) => [...a, ...b, 0x6a],
  sub: (a, b) => [...a, ...b, 0x6b],
  xor: (a, b) => [...a, ...b, 0x73],
  rotl: (a, bits) => [...a, ...i32.const(bits), 0x77],
  load: (address, offset) => [...address, 0x28, ...unaligned(offset)],
  store: (address, offset, value) => [...address, ...value, 0x36, ...unaligned(offset)],
};
const i64 = {
  const: (value) => [0x42, ...sleb(value)],
  extend: (a) => [...a, 0xad],
  shl: (a, bits) => [...a, ...i64.const(bits), 0x86],
  or: (a, b) => [...a, ...b, 0x84],
  add: (a, b) => [...a, ...b, 0x7c],
  store: (address, offset, value) => [...address, ...value, 0x37, ...unaligned(offset)],
};
const v128 = {
  load: (address, offset) => [...address, ...simd(0x00), ...unaligned(offset)],
  splat: (address, offset) => [...address, ...simd(0x09), ...unaligned(offset)],
  store: (address, offset, value) => [...address, ...value, ...simd(0x0b), ...unaligned(offset)],
  const: (...bytes) => [...simd(0x0c), ...bytes],
  /** Of the eight words of `a` and `b`, these four. */
  pick: (a, b, words) => [
    ...a,
    ...b,
    ...simd(0x0d),
    ...words.flatMap((word) => [0, 1, 2, 3].map((byte) => 4 * word + byte)),
  ],
  xor: (a, b) => [...a, ...b, ...simd(0x51)],
};
const i32x4 = {
  shl: (a, bits) => [...a, ...i32.const(bits), ...simd(0xab)],
  shr: (a, bits) => [...a, ...i32.const(bits), ...simd(0xad)],
  add: (a, b) => [...a, ...b, ...simd(0xae)],
};
const i64x2 = {
  splat: (value) => [...value, ...simd(0x12)],
  add: (a, b) => [...a, ...b, ...simd(0xce)],
};

// Locals: three parameters, then those of each type in turn.

const bytes = 0;
const counterLow = 1;
const counterHigh = 2;
const at = 3;
const round = 4;
const y = Array.from({ length: 16 }, (_, i) => 5 + i);
const counter = 21;
const sum = 22;
const low = 23;
const high = 24;
const x = Array.from({ length: 16 }, (_, i) => 25 + i);
const locals = { i32: 18, i64: 1, v128: 19 };

const zero = i32.const(0);

/** x[b] ^= (x[a] + x[d]) <<< bits. Two XORs of what is shifted each way: V8 makes more of that than of a rotation and one. */
const laneStep = (b, a, d, bits) => {
  const shiftedLeft = i32x4.shl(tee(sum, i32x4.add(local(x[a]), local(x[d]))), bits);
  return set(x[b], v128.xor(v128.xor(local(x[b]), shiftedLeft), i32x4.shr(local(sum), 32 - bits)));
};
/** The same of y. */
const wordStep = (b, a, d, bits) =>
  set(y[b], i32.xor(local(y[b]), i32.rotl(i32.add(local(y[a]), local(y[d])), bits)));

/** Quarter-rounds that do not depend on each other, step by step, each of the lanes and of the fifth block. */
const quarterRounds = (quarters) =>
  [
    ([a, b, , d]) => [b, a, d, 7],
    ([a, b, c]) => [c, b, a, 9],
    ([, b, c, d]) => [d, c, b, 13],
    ([a, , c, d]) => [a, d, c, 18],
  ].flatMap((step) =>
    quarters.flatMap((quarter) => [...laneStep(...step(quarter)), ...wordStep(...step(quarter))]),
  );
/** The columns of the four by four words, then the rows, each from the diagonal on. */
const doubleRound = [
  ...quarterRounds([0, 5, 10, 15].map((i) => [0, 4, 8, 12].map((down) => (i + down) % 16))),
  ...quarterRounds([0, 5, 10, 15].map((i) => [0, 1, 2, 3].map((right) => (i & 12) + ((i + right) % 4)))),
];

/** The counters of the four blocks in lanes, 64 bits each: their low words into `low`, the high ones into `high`. */
const counters = () => {
  const pair = (first) =>
    i64x2.add(
      i64x2.splat(local(counter)),
      v128.const(first, 0, 0, 0, 0, 0, 0, 0, first + 1, 0, 0, 0, 0, 0, 0, 0),
    );
  return [
    ...set(low, v128.pick(pair(0), pair(2), [0, 2, 4, 6])),
    ...set(high, v128.pick(pair(0), pair(2), [1, 3, 5, 7])),
  ];
};

const laneInput = (i) => {
  if (i === 8) return local(low);
  if (i === 9) return local(high);
  return v128.splat(zero, 4 * i);
};

/** XORs the words, 4q to 4q + 3 of a block, into the window. */
const xorWindow = (block, q, words) => {
  const offset = WINDOW + block * BLOCK + 16 * q;
  return v128.store(local(at), offset, v128.xor(v128.load(local(at), offset), words));
};

/** XORs words 4q to 4q + 3 of each block in lanes into the window: turns four words of a lane into a vector, lane by lane. */
const xorQuarter = (q) => {
  const [a, b, c, d] = x.slice(4 * q, 4 * q + 4);
  const out = (block, words) => xorWindow(block, q, words);
  return [
    // a0 b0 a1 b1, and so on; `sum` is free by now.
    ...set(sum, v128.pick(local(a), local(b), [0, 4, 1, 5])),
    ...set(b, v128.pick(local(a), local(b), [2, 6, 3, 7])),
    ...set(a, v128.pick(local(c), local(d), [0, 4, 1, 5])),
    ...set(d, v128.pick(local(c), local(d), [2, 6, 3, 7])),
    ...out(0, v128.pick(local(sum), local(a), [0, 1, 4, 5])),
    ...out(1, v128.pick(local(sum), local(a), [2, 3, 6, 7])),
    ...out(2, v128.pick(local(b), local(d), [0, 1, 4, 5])),
    ...out(3, v128.pick(local(b), local(d), [2, 3, 6, 7])),
  ];
};

/** The same of the fifth block, whose words are in memory by now. */
const xorFifth = (q) =>
  xorWindow(LANES, q, i32x4.add(v128.load(zero, FIFTH + 16 * q), v128.load(zero, 16 * q)));

/**
 * xor(bytes, counterLow, counterHigh): `bytes` is a multiple of 320, and more than 0; the counter is that of the
 * first block.
 */
const kernel = [
  ...set(counter, i64.or(i64.extend(local(counterLow)), i64.shl(i64.extend(local(counterHigh)), 32))),
  ...loopWhile(
    i32.lessThan(local(at), local(bytes)),
    counters(),
    x.flatMap((lanes, i) => set(lanes, laneInput(i))),
    i64.store(zero, COUNTER, i64.add(local(counter), i64.const(LANES))),
    y.flatMap((word, i) => set(word, i32.load(zero, 4 * i))),
    set(round, i32.const(DOUBLE_ROUNDS)),
    loopWhile(local(round), doubleRound, set(round, i32.sub(local(round), i32.const(1)))),
    y.flatMap((word, i) => i32.store(zero, FIFTH + 4 * i, local(word))),
    x.flatMap((lanes, i) => set(lanes, i32x4.add(local(lanes), laneInput(i)))),
    [0, 1, 2, 3].flatMap(xorQuarter),
    [0, 1, 2, 3].flatMap(xorFifth),
    set(counter, i64.add(local(counter), i64.const(BLOCKS))),
    set(at, i32.add(local(at), i32.const(BLOCKS * BLOCK))),
  ),
];

/** A module with one page of memory and one function of three i32. */
function assemble(code) {
  const list = (items) => [...leb(items.length), ...items.flat()];
  const sized = (content) => [...leb(content.length), ...content];
  const name = (text) => sized([...Buffer.from(text)]);
  const section = (id, items) => [id, ...sized(list(items))];
  const i32 = 0x7f;
  const variables = list([
    [locals.i32, i32],
    [locals.i64, 0x7e],
    [locals.v128, 0x7b],
  ]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [[0x60, ...list([[i32], [i32], [i32]]), 0]]),
    ...section(3, [[0]]),
    ...section(5, [[1, 1, 1]]),
    ...section(7, [
      [...name('memory'), 2, 0],
      [...name('xor'), 0, 0],
    ]),
    ...section(10, [sized([...variables, ...code, 0x0b])]),
  ]);
}

// In hex, which needs nothing of the platform, and of which gzip makes less than of base64.
const hex = Buffer.from(assemble(kernel)).toString('hex');
writeFileSync(
  process.argv[2] ?? fileURLToPath(new URL('simd-code.ts', import.meta.url)),
  `/** Made by generate.mjs: the WASM module of simd.ts, in hex. */
export const code =
  '${hex}';
`,
);
