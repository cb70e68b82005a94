/** The bytes of a frame, field by field, in rows. */
import { toHex } from '../../index.ts';
import type { InspectedField, InspectedFrame } from '../../inspect/index.ts';

const ROW_BYTES = 16;
/** Rows of one field; of more the last says how many bytes there are. */
const MAX_ROWS = 8;
const WIDTH = 3 * ROW_BYTES - 1;

export interface ByteRow {
  /** Offset in the frame and plain bytes, as wide as a row. */
  readonly bytes: string;
  /** The same bytes on the wire. */
  readonly wire: string;
  /** Where a field begins. */
  readonly field: InspectedField | undefined;
  /** How deep the field is inside others. */
  readonly depth: number;
}

/** The innermost fields, which follow each other without a gap. */
export function byteRows(frame: InspectedFrame): ByteRow[] {
  return rowsOf(frame, frame.fields, 0);
}

function rowsOf(frame: InspectedFrame, fields: readonly InspectedField[], depth: number): ByteRow[] {
  return fields.flatMap((field) =>
    field.fields === undefined ? fieldRows(frame, field, depth) : rowsOf(frame, field.fields, depth + 1),
  );
}

function fieldRows({ plain, ciphered }: InspectedFrame, field: InspectedField, depth: number): ByteRow[] {
  const rows: ByteRow[] = [];
  for (let at = field.start; at < field.end; at += ROW_BYTES) {
    if (rows.length === MAX_ROWS) {
      rows.push({ bytes: `… ${field.end - at} more bytes`, wire: '', field: undefined, depth });
      break;
    }
    const end = Math.min(field.end, at + ROW_BYTES);
    const offset = at.toString(16).padStart(5, '0');
    rows.push({
      bytes: `${offset}  ${hexRow(plain.subarray(at, end))}`,
      wire: ciphered === undefined ? 'in clear'.padEnd(WIDTH) : hexRow(ciphered.subarray(at, end)),
      field: at === field.start ? field : undefined,
      depth,
    });
  }
  return rows;
}

function hexRow(bytes: Uint8Array): string {
  return (toHex(bytes).match(/../g) ?? []).join(' ').padEnd(WIDTH);
}
