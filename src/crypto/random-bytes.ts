/** Random bytes from the platform. */
import { assertInteger } from '../errors.ts';

interface WithRandom {
  readonly crypto: { getRandomValues(bytes: Uint8Array): unknown };
}

/** `getRandomValues` takes no more at once. */
const AT_ONCE = 65_536;

/** `length` of them. libsodium in WASM would ask the platform for four bytes at a time. */
export function randomBytes(length: number): Uint8Array {
  assertInteger('length', length);
  const { crypto } = globalThis as unknown as WithRandom;
  const bytes = new Uint8Array(length);
  for (let start = 0; start < length; start += AT_ONCE) {
    crypto.getRandomValues(bytes.subarray(start, start + AT_ONCE));
  }
  return bytes;
}
