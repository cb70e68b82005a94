/** Random bytes from the platform. */
import { assertInteger } from '../errors.ts';

interface WithRandom {
  readonly crypto: { getRandomValues(bytes: Uint8Array): unknown };
}

/** `getRandomValues` takes no more at once. */
const AT_ONCE = 65_536;

/** To ask costs some microseconds, however few: what ids, nonces and seeds take is drawn in advance. */
const POOL_BYTES = 16_384;
const SHORT = 64;
const pool: { bytes: Uint8Array | undefined; used: number } = { bytes: undefined, used: POOL_BYTES };

/** `length` of them. libsodium in WASM would ask the platform for four bytes at a time. */
export function randomBytes(length: number): Uint8Array {
  assertInteger('length', length);
  if (length <= SHORT) return draw(length);
  const bytes = new Uint8Array(length);
  for (let start = 0; start < length; start += AT_ONCE) fill(bytes.subarray(start, start + AT_ONCE));
  return bytes;
}

/** Nothing is handed out twice, nor kept once it was. */
function draw(length: number): Uint8Array {
  pool.bytes ??= new Uint8Array(POOL_BYTES);
  if (pool.used + length > POOL_BYTES) {
    fill(pool.bytes);
    pool.used = 0;
  }
  const end = pool.used + length;
  const bytes = pool.bytes.slice(pool.used, end);
  pool.bytes.fill(0, pool.used, end);
  pool.used = end;
  return bytes;
}

function fill(bytes: Uint8Array): void {
  (globalThis as unknown as WithRandom).crypto.getRandomValues(bytes);
}
