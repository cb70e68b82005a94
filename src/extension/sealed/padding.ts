/** Sizes that say little: 256 bytes, 1 KiB, 4 KiB, and so on. ISO/IEC 7816-4: a byte 0x80, then zeros. */
const SMALLEST = 256;
const MARK = 0x80;

/** The size that `length` bytes are padded to. */
export function paddedLength(length: number): number {
  let size = SMALLEST;
  while (size < length + 1) size *= 4;
  return size;
}

export function pad(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(paddedLength(message.byteLength));
  padded.set(message);
  padded[message.byteLength] = MARK;
  return padded;
}

/** The message without its padding. @throws RangeError where there is none. */
export function unpad(padded: Uint8Array): Uint8Array {
  let end = padded.byteLength - 1;
  while (end >= 0 && padded[end] === 0) end--;
  if (padded[end] !== MARK) throw new RangeError('the padding is missing');
  return padded.subarray(0, end);
}
