/** The bitfield of a Have: its sections, and which blocks it tells of. */
import { readVarint } from '../wire/varint.ts';
import type { InspectedField } from './events.ts';
import { count } from './text.ts';

/** Runs of blocks that are spelled out. */
const SHOWN_RUNS = 12;
/** Sections that are told apart; the rest is one. */
const SHOWN_SECTIONS = 1000;

interface Section {
  readonly start: number;
  /** Where the bytes begin that are spelled out, behind the number. */
  readonly body: number;
  readonly end: number;
  /** Bytes that come out, and what each of them is: `undefined` for those that are spelled out. */
  readonly bytes: number;
  readonly fill: 0 | 255 | undefined;
}

/** The parts of `encoded`, which begins at `offset` of its frame. */
export function bitfieldFields(encoded: Uint8Array, offset: number): InspectedField[] {
  const fields: InspectedField[] = [];
  let at = 0;
  let block = 0;
  for (const section of sections(encoded)) {
    if (fields.length >= SHOWN_SECTIONS) break;
    const { start, body, end, bytes, fill } = section;
    const blocks = `blocks ${block} to ${block + 8 * bytes - 1}`;
    const isRun = fill !== undefined;
    fields.push({
      name: isRun ? 'run' : 'literal',
      start: offset + start,
      end: offset + body,
      kind: 'size',
      text: isRun ? `${count(bytes, 'byte')} of ${fill === 0 ? '00' : 'ff'}` : count(bytes, 'byte'),
      explanation: isRun
        ? `A run, so only its length is sent: ${fill === 0 ? 'none' : 'all'} of ${blocks}, counted from start.`
        : `Bytes as they are, for ${blocks}, counted from start.`,
    });
    if (end > body) {
      const bits = encoded.subarray(body, end);
      fields.push({
        name: 'bits',
        start: offset + body,
        end: offset + end,
        kind: 'value',
        text: firstBits(bits),
        explanation: 'A bit for each block, the first block in the highest bit: 1 where the sender has it.',
      });
    }
    at = end;
    block += 8 * bytes;
  }
  if (at < encoded.byteLength) {
    fields.push({
      name: 'rest',
      start: offset + at,
      end: offset + encoded.byteLength,
      kind: 'unknown',
      text: count(encoded.byteLength - at, 'byte'),
      explanation: 'More sections, or what is none.',
    });
  }
  return fields;
}

/** Which blocks are told of, as in `0 to 7, 9`, counted from the block `first`. */
export function bitfieldText(encoded: Uint8Array, first: number): string {
  const runs: string[] = [];
  let from: number | undefined;
  let block = first;
  const close = (): void => {
    if (from !== undefined) runs.push(block - 1 === from ? `${from}` : `${from} to ${block - 1}`);
    from = undefined;
  };
  const step = (isHeld: boolean, blocks: number): void => {
    if (!isHeld) close();
    else from ??= block;
    block += blocks;
  };
  for (const { body, end, bytes, fill } of sections(encoded)) {
    if (fill !== undefined) step(fill === 255, 8 * bytes);
    for (let i = body; i < end && runs.length <= SHOWN_RUNS; i++) {
      const byte = encoded[i]!;
      if (byte === 0 || byte === 0xff) step(byte === 0xff, 8);
      else for (let mask = 0x80; mask > 0; mask >>= 1) step((byte & mask) !== 0, 1);
    }
    if (runs.length > SHOWN_RUNS) break;
  }
  close();
  if (runs.length === 0) return 'no blocks';
  const shown = runs.slice(0, SHOWN_RUNS).join(', ');
  return `${runs.length === 1 && !shown.includes(' ') ? 'block' : 'blocks'} ${shown}${runs.length > SHOWN_RUNS ? ', …' : ''}`;
}

function firstBits(bytes: Uint8Array): string {
  const text = [...bytes.subarray(0, 8)].map((byte) => byte.toString(2).padStart(8, '0')).join(' ');
  return bytes.byteLength > 8 ? `${text} …` : text;
}

/** Up to what is no section any more. */
function* sections(encoded: Uint8Array): Generator<Section, void, undefined> {
  for (let at = 0; at < encoded.byteLength; ) {
    const number = readVarint(encoded, at);
    if (number === undefined) return;
    const { value: head, end: body } = number;
    if (head % 2 === 1) {
      yield { start: at, body, end: body, bytes: Math.floor(head / 4), fill: head % 4 === 3 ? 255 : 0 };
      at = body;
      continue;
    }
    const bytes = head / 2;
    if (bytes > encoded.byteLength - body) return;
    yield { start: at, body, end: body + bytes, bytes, fill: undefined };
    at = body + bytes;
  }
}
