/**
 * The capture format of this package: lines of JSON. The first is the header, and each of the others one thing that
 * happened, in order:
 *
 *     {"capture":"hypercore-wire","version":1,"started":"2026-11-25T00:00:00.000Z"}
 *     {"time":0,"connection":1,"from":"127.0.0.1:50000","to":"tcp://127.0.0.1:3282"}
 *     {"time":0.4,"connection":1,"direction":"out","bytes":"3d000a20…"}
 *     {"time":9.1,"connection":1,"direction":"in","end":true}
 *     {"time":9.1,"connection":1,"direction":"out","end":"it was reset"}
 *
 * `time` is in milliseconds since the capture began; `connection` counts from 1; `direction` is `out` from the side
 * that connected and `in` from the side that answered; `bytes` is hex, as it was on the wire; `end` is true, or says
 * why it did not end properly. Fields that a reader does not know, it passes over. `from`, `to` and `started` may be
 * left out, and so may `connection`, which is then 1.
 */
import { toHex } from '../../crypto/hex.ts';
import { Gathered } from '../gathered.ts';
import type { CaptureEvent, CaptureFormat, CaptureListener } from './events.ts';

/** How a file of this format begins. */
export const CAPTURE_START = '{"capture":"hypercore-wire"';
const VERSION = 1;
/** Bytes of a line: 16 MiB in hex. What makes larger records is no capture of this package. */
const MAX_LINE_BYTES = 33_554_432 + 1024;
/** Connections that are told apart at once. */
const MAX_CONNECTIONS = 4096;
const NEWLINE = 0x0a;

/** The first line, with its end. `started`: a date in ISO 8601. */
export function captureHeader(started: string): string {
  return `${JSON.stringify({ capture: 'hypercore-wire', version: VERSION, started })}\n`;
}

/** The line of an event, with its end. */
export function captureLine(event: Exclude<CaptureEvent, { type: 'note' | 'missing' }>): string {
  const { time, connection } = event;
  return `${JSON.stringify({ time, connection, ...rest(event) })}\n`;
}

function rest(event: Exclude<CaptureEvent, { type: 'note' | 'missing' }>): object {
  switch (event.type) {
    case 'connection':
      return { from: event.from, to: event.to };
    case 'bytes':
      return { direction: event.direction, bytes: toHex(event.bytes) };
    case 'end':
      return { direction: event.direction, end: event.error ?? true };
  }
}

type TextDecoders = { TextDecoder: new () => { decode(bytes: Uint8Array): string } };

/** Reads lines. One that is no record is told, and passed over. */
export class JsonLines implements CaptureFormat {
  readonly #listener: CaptureListener;
  readonly #line = new Gathered();
  readonly #connections = new Set<number>();
  #lines = 0;
  /** Inside a line that is too long. */
  #isPassingOver = false;

  constructor(listener: CaptureListener) {
    this.#listener = listener;
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.byteLength; ) {
      const newline = chunk.indexOf(NEWLINE, at);
      const end = newline === -1 ? chunk.byteLength : newline;
      this.#gather(chunk.subarray(at, end));
      if (newline !== -1) this.#endLine();
      at = end + 1;
    }
  }

  end(): void {
    if (this.#line.bytes.byteLength > 0) this.#endLine();
  }

  #gather(part: Uint8Array): void {
    if (this.#isPassingOver) return;
    this.#line.append(part);
    if (this.#line.bytes.byteLength > MAX_LINE_BYTES) this.#isPassingOver = true;
  }

  #endLine(): void {
    this.#lines++;
    const { TextDecoder } = globalThis as unknown as TextDecoders;
    const text = this.#isPassingOver ? undefined : new TextDecoder().decode(this.#line.bytes).trim();
    this.#line.drop(this.#line.bytes.byteLength);
    this.#isPassingOver = false;
    if (text === '') return;
    const record = text === undefined ? undefined : parse(text);
    if (this.#lines === 1) return this.#readHeader(record);
    if (record === undefined || !this.#read(record)) this.#note(`line ${this.#lines} is no record`);
  }

  #readHeader(header: Record<string, unknown> | undefined): void {
    if (header === undefined) this.#note('the header, which is the first line, cannot be read');
    else if (header.version !== VERSION) {
      this.#note(`it is of version ${String(header.version)}, and ${VERSION} is known here`);
    }
  }

  /** Whether it is a record. */
  #read({ time, connection = 1, direction, bytes, end, from, to }: Record<string, unknown>): boolean {
    if (typeof time !== 'number' || !Number.isSafeInteger(connection) || typeof connection !== 'number')
      return false;
    if (!this.#connections.has(connection)) {
      if (this.#connections.size >= MAX_CONNECTIONS) return false;
      this.#connections.add(connection);
      this.#listener({ type: 'connection', connection, time, from: named(from), to: named(to) });
      if (direction === undefined) return true;
    }
    if (direction !== 'out' && direction !== 'in') return false;
    if (typeof bytes === 'string') {
      const read = fromHex(bytes);
      if (read !== undefined) this.#listener({ type: 'bytes', connection, time, direction, bytes: read });
      return read !== undefined;
    }
    if (end !== true && typeof end !== 'string') return false;
    this.#listener({ type: 'end', connection, time, direction, error: end === true ? undefined : end });
    return true;
  }

  #note(text: string): void {
    this.#listener({ type: 'note', text: `the capture: ${text}` });
  }
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function named(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 === 1 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.byteLength; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
