/**
 * Writes the kernels' WASM modules, instruction by instruction. Each instruction is an array of bytes; operands come
 * first, as on the machine's stack.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const leb = (value) => {
  const bytes = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return [...bytes, value];
};
/** The signed kind, of a number or a BigInt. */
const sleb = (value) => {
  const bytes = [];
  let rest = BigInt.asIntN(64, BigInt(value));
  for (; rest >= 64n || rest < -64n; rest >>= 7n) bytes.push(Number(rest & 127n) | 0x80);
  return [...bytes, Number(rest & 127n)];
};
const simd = (opcode) => [0xfd, ...leb(opcode)];
const unaligned = (offset) => [0, ...leb(offset)];

export const local = (index) => [0x20, ...leb(index)];
export const set = (index, value) => [...value, 0x21, ...leb(index)];
/** Sets it and leaves the value there. */
export const tee = (index, value) => [...value, 0x22, ...leb(index)];
/** Runs `body` again and again while `condition`, its end, is not 0. */
export const loopWhile = (condition, ...body) => [0x03, 0x40, ...body.flat(), ...condition, 0x0d, 0, 0x0b];
export const i32 = {
  const: (value) => [0x41, ...sleb(value)],
  lessThan: (a, b) => [...a, ...b, 0x49],
  add: (a, b) => [...a, ...b, 0x6a],
  sub: (a, b) => [...a, ...b, 0x6b],
  loadU8: (address, offset) => [...address, 0x2d, ...unaligned(offset)],
};
export const i64 = {
  const: (value) => [0x42, ...sleb(value)],
  extend: (a) => [...a, 0xad],
  shl: (a, bits) => [...a, ...i64.const(bits), 0x86],
  or: (a, b) => [...a, ...b, 0x84],
  add: (a, b) => [...a, ...b, 0x7c],
};
/** Which bytes of two vectors, in pieces of `size`. */
const shuffle = (a, b, size, pieces) => [
  ...a,
  ...b,
  ...simd(0x0d),
  ...pieces.flatMap((piece) => Array.from({ length: size }, (_, byte) => size * piece + byte)),
];
export const v128 = {
  load: (address, offset) => [...address, ...simd(0x00), ...unaligned(offset)],
  splat: (address, offset) => [...address, ...simd(0x09), ...unaligned(offset)],
  store: (address, offset, value) => [...address, ...value, ...simd(0x0b), ...unaligned(offset)],
  const: (...bytes) => [...simd(0x0c), ...bytes],
  xor: (a, b) => [...a, ...b, ...simd(0x51)],
  or: (a, b) => [...a, ...b, ...simd(0x50)],
  /** The bits of `a` where `which` has ones, and of `b` where it has none. */
  pick: (a, b, which) => [...a, ...b, ...which, ...simd(0x52)],
};
export const i8x16 = {
  /** Of the 16 bytes of `a`, those that the bytes of `places` say. */
  swizzle: (a, places) => [...a, ...places, ...simd(0x0e)],
};
export const i32x4 = {
  /** Of the eight words of `a` and `b`, these four. */
  pick: (a, b, words) => shuffle(a, b, 4, words),
  shl: (a, bits) => [...a, ...i32.const(bits), ...simd(0xab)],
  shr: (a, bits) => [...a, ...i32.const(bits), ...simd(0xad)],
  add: (a, b) => [...a, ...b, ...simd(0xae)],
};
export const i64x2 = {
  /** Of the four words of `a` and `b`, these two. */
  pick: (a, b, words) => shuffle(a, b, 8, words),
  splat: (value) => [...value, ...simd(0x12)],
  shr: (a, bits) => [...a, ...i32.const(bits), ...simd(0xcd)],
  add: (a, b) => [...a, ...b, ...simd(0xce)],
  /** All ones where `a` is `b` or more, as signed numbers. */
  atLeast: (a, b) => [...a, ...b, ...simd(0xdb)],
};

/**
 * A module with one page of memory, and one function `name` of as many i32 as `parameters`. `locals`: how many of each
 * type, which come in this order, behind the parameters. `data`: what is in memory at the start, by its address.
 */
function assemble({ name, parameters, locals, code, data = new Map() }) {
  const list = (items) => [...leb(items.length), ...items.flat()];
  const sized = (content) => [...leb(content.length), ...content];
  const text = (characters) => sized([...Buffer.from(characters)]);
  const section = (id, items) => [id, ...sized(list(items))];
  const type = 0x7f;
  const variables = list([
    [...leb(locals.i32), type],
    [...leb(locals.i64), 0x7e],
    [...leb(locals.v128), 0x7b],
  ]);
  const contents = [...data].map(([address, bytes]) => [0, ...i32.const(address), 0x0b, ...sized(bytes)]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [[0x60, ...list(Array(parameters).fill([type])), 0]]),
    ...section(3, [[0]]),
    ...section(5, [[1, 1, 1]]),
    ...section(7, [
      [...text('memory'), 2, 0],
      [...text(name), 0, 0],
    ]),
    ...section(10, [sized([...variables, ...code, 0x0b])]),
    ...(contents.length > 0 ? section(11, contents) : []),
  ]);
}

/** Writes the module that {@link assemble} makes into `simd-code.ts` beside `source`, or the file that is named. */
export function generate(source, module) {
  // In hex, which needs nothing of the platform, and of which gzip makes less than of base64.
  const hex = Buffer.from(assemble(module)).toString('hex');
  writeFileSync(
    process.argv[2] ?? fileURLToPath(new URL('simd-code.ts', source)),
    `/** Made by generate.mjs: the WASM module of simd.ts, in hex. */
export const code =
  '${hex}';
`,
  );
}
