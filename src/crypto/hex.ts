/** Keys as text. */
import { describe } from '../errors.ts';

/** The codes of the digits. */
const DIGITS: readonly number[] = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
/** As many bytes become text at once: a text that grows by single characters takes ten times the memory. */
const AT_ONCE = 64;
const codes: number[] = [];

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.byteLength; start += AT_ONCE) {
    const count = Math.min(AT_ONCE, bytes.byteLength - start);
    codes.length = 2 * count;
    for (let i = 0; i < count; i++) {
      const byte = bytes[start + i]!;
      codes[2 * i] = DIGITS[byte >> 4]!;
      codes[2 * i + 1] = DIGITS[byte & 15]!;
    }
    text += String.fromCharCode(...codes);
  }
  return text;
}

/**
 * A feed's key as 32 bytes, from bytes, from 64 hex characters or from a `dat://` link.
 * @throws TypeError or RangeError that says what came instead.
 */
export function parseKey(key: Uint8Array | string): Uint8Array {
  if (key instanceof Uint8Array) {
    if (key.byteLength !== 32) throw new RangeError(`"key" expected 32 bytes, got ${key.byteLength}`);
    return key;
  }
  if (typeof key !== 'string') {
    throw new TypeError(`"key" expected 32 bytes, 64 hex characters or a dat:// link, got ${describe(key)}`);
  }
  const text = key.trim().replace(/^dat:\/\/([^+/]*).*$/i, '$1');
  if (!/^[0-9a-f]{64}$/i.test(text)) {
    throw new RangeError(`"key" expected 64 hex characters or a dat:// link with them, got ${describe(key)}`);
  }
  return Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}
