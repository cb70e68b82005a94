/** Runs of equal bytes, which bitfields have many of. */

/** A run of fewer bytes is looked through as fast byte by byte. */
const LONG = 32;

/** The first position from `from` to before `to` whose byte is not `value`, or `to`. Takes four bytes at once. */
export function endOfRun(bytes: Uint8Array, from: number, to: number, value: number): number {
  let at = from;
  const isLong = to - from >= LONG && bytes[from] === value && bytes[from + LONG - 1] === value;
  if (isLong) {
    for (; (bytes.byteOffset + at) % 4 !== 0; at++) if (bytes[at] !== value) return at;
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset + at, Math.floor((to - at) / 4));
    const word = (value * 0x01010101) >>> 0;
    let count = 0;
    while (count < words.length && words[count] === word) count++;
    at += 4 * count;
  }
  while (at < to && bytes[at] === value) at++;
  return at;
}
