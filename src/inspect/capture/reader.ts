/** A capture file of any known format, told apart by how it begins. */
import { Gathered } from '../gathered.ts';
import type { CaptureFormat, CaptureListener } from './events.ts';
import { CAPTURE_START, JsonLines } from './json-lines.ts';
import { PCAPNG_MAGIC, pcapMagics } from './packets.ts';
import { PacketCapture } from './tcp.ts';

const START_BYTES = CAPTURE_START.length;

/**
 * Reads a capture, in any chunking: the format of this package (see `json-lines.ts`), pcap and pcapng with TCP in
 * them, and else the raw bytes of one direction. Whatever the bytes are, it does not throw for them.
 */
export class CaptureReader {
  readonly #listener: CaptureListener;
  readonly #start = new Gathered();
  #format: CaptureFormat | undefined;

  constructor(listener: CaptureListener) {
    this.#listener = listener;
  }

  /** Leaves `chunk` as it is. */
  push(chunk: Uint8Array): void {
    if (this.#format !== undefined) return this.#format.push(chunk);
    this.#start.append(chunk);
    if (this.#start.bytes.byteLength >= START_BYTES) this.#begin();
  }

  /** The file has ended. */
  end(): void {
    if (this.#format === undefined && this.#start.bytes.byteLength > 0) this.#begin();
    this.#format?.end();
  }

  #begin(): void {
    const start = this.#start.bytes.slice();
    this.#start.drop(start.byteLength);
    this.#format = formatOf(start, this.#listener);
    this.#format.push(start);
  }
}

function formatOf(start: Uint8Array, listener: CaptureListener): CaptureFormat {
  const magic = start.byteLength < 4 ? 0 : new DataView(start.buffer, start.byteOffset).getUint32(0);
  if (magic === PCAPNG_MAGIC) return new PacketCapture(true, listener);
  if (pcapMagics.includes(magic)) return new PacketCapture(false, listener);
  const text = String.fromCharCode(...start.subarray(0, START_BYTES));
  return text === CAPTURE_START ? new JsonLines(listener) : new RawBytes(listener);
}

/** What one side sent, and nothing around it. */
class RawBytes implements CaptureFormat {
  readonly #listener: CaptureListener;

  constructor(listener: CaptureListener) {
    this.#listener = listener;
    listener({ type: 'connection', connection: 1, time: 0, from: undefined, to: undefined });
  }

  push(chunk: Uint8Array): void {
    this.#listener({ type: 'bytes', connection: 1, time: 0, direction: 'out', bytes: chunk.slice() });
  }

  end(): void {
    this.#listener({ type: 'end', connection: 1, time: 0, direction: 'out', error: undefined });
  }
}
