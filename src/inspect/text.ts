/** Values as a person reads them. */
import { toHex } from '../crypto/hex.ts';

/** Bytes that are shown in hex, and characters that are shown of text. */
const SHOWN_BYTES = 64;
const SHOWN_CHARACTERS = 60;
/** What is not seen, or changes how the rest is. */
const UNSHOWN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029]/gu;

type TextDecoders = {
  TextDecoder: new (encoding: string, options: { fatal: boolean }) => { decode(bytes: Uint8Array): string };
};

/** As text where all of it is text that shows, and else in hex; with the number of bytes where not all is shown. */
export function bytesText(bytes: Uint8Array): string {
  return readableText(bytes) ?? hexText(bytes);
}

/** In hex, with the number of bytes where not all is shown. */
export function hexText(bytes: Uint8Array): string {
  if (bytes.byteLength <= SHOWN_BYTES) return bytes.byteLength === 0 ? 'nothing' : toHex(bytes);
  return `${toHex(bytes.subarray(0, SHOWN_BYTES))}… (${bytes.byteLength} bytes)`;
}

/** Quoted; `undefined` for what is not UTF-8, or has characters that do not show. */
function readableText(bytes: Uint8Array): string | undefined {
  if (bytes.byteLength === 0) return undefined;
  const isCut = bytes.byteLength > 4 * SHOWN_CHARACTERS;
  const text = decode(isCut ? wholeCharacters(bytes.subarray(0, 4 * SHOWN_CHARACTERS)) : bytes);
  if (text === undefined || !isPlain(text)) return undefined;
  const shown = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
  const rest = shown === text && !isCut ? '' : ` (${bytes.byteLength} bytes)`;
  return `${JSON.stringify(shown)}${rest}`;
}

function decode(bytes: Uint8Array): string | undefined {
  const { TextDecoder } = globalThis as unknown as TextDecoders;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Without a character of which only the beginning is there. */
function wholeCharacters(bytes: Uint8Array): Uint8Array {
  let end = bytes.byteLength;
  while (end > 0 && (bytes[end - 1]! & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end > 0 && bytes[end - 1]! >= 0xc0 ? end - 1 : end);
}

/** A name that a peer made up, without what a terminal would act on. */
export function nameText(name: string): string {
  return name.replace(UNSHOWN, '\ufffd');
}

/** Whether a terminal shows it as it is: no control characters, and none that turn the direction of writing. */
function isPlain(text: string): boolean {
  return text.replace(/[\n\t\r]/g, '').search(UNSHOWN) === -1;
}

/** `1 block`, `2 blocks`. */
export function count(number: number, unit: string): string {
  return `${number} ${unit}${number === 1 ? '' : 's'}`;
}
