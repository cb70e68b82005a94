/**
 * Where frames begin again, after bytes that are damaged or missing: a place from which two messages follow each
 * other that make sense. That bytes look like it by chance is less likely than one in a billion.
 */
import type { Limits } from '../limits.ts';
import { decodePacket } from '../wire/codec.ts';
import { readVarint } from '../wire/varint.ts';

const FRAMES_IN_A_ROW = 2;
/** Messages that are tried at most in one search. */
const MAX_TRIES = 20_000;
/** What proves nothing: it would be read out of any bytes. */
const weak: readonly string[] = ['extension', 'unassigned', 'unreadable', 'keepalive'];

/**
 * The offset in `bytes` of the first such place, or `undefined`.
 *
 * @param isOpen whether the sender has opened a channel
 * @param isAll that no bytes follow, so that one message will do if it ends where they end
 */
export function findFrame(
  bytes: Uint8Array,
  limits: Limits,
  isOpen: (channel: number) => boolean,
  isAll: boolean,
): number | undefined {
  let tries = 0;
  /** Where the message at `start` ends; `undefined` where there is none. */
  const messageEnd = (start: number): number | undefined => {
    const length = readVarint(bytes.subarray(start, start + 4));
    if (length === undefined || length.value < 2) return undefined;
    const body = start + length.end;
    const end = body + length.value;
    if (end > bytes.byteLength) return undefined;
    const header = readVarint(bytes.subarray(body, Math.min(end, body + 2)));
    if (header === undefined || !isOpen(Math.floor(header.value / 16))) return undefined;
    if (header.end === end - body || !isFirstTag(bytes[body + header.end]!)) return undefined;
    tries++;
    try {
      const { type } = decodePacket(bytes.subarray(body, end), limits.channels).message;
      return weak.includes(type) ? undefined : end;
    } catch {
      return undefined;
    }
  };
  for (let start = 0; start < bytes.byteLength && tries < MAX_TRIES; start++) {
    let at: number | undefined = start;
    for (let count = 0; at !== undefined; count++) {
      const isEnough = count >= FRAMES_IN_A_ROW || (isAll && count > 0 && at === bytes.byteLength);
      if (isEnough) return start;
      if (count > 0) while (bytes[at] === 0) at++;
      at = messageEnd(at);
    }
  }
  return undefined;
}

/** Whether a message may begin so: with one of the fields that any has, 1 to 5, and a number or bytes in it. */
function isFirstTag(byte: number): boolean {
  const wireType = byte % 8;
  return byte >= 8 && byte < 48 && (wireType === 0 || wireType === 2);
}
