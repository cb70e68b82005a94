/** What passed over a line, as a capture file that `hypercore-wire inspect` reads, and this page. */
import { captureHeader, captureLine, type Direction } from 'hypercore-wire/inspect';

/** Bytes of the wire that are kept; what comes later is not. */
const MAX_BYTES = 8_388_608;

export class Recorder {
  readonly #since = performance.now();
  readonly #lines: string[] = [captureHeader(new Date().toISOString())];
  #connection = 0;
  #bytes = 0;

  /** A connection begins: what comes now is of it. */
  connected(from: string, to: string): void {
    this.#connection++;
    const { time, connection } = this.#place;
    this.#lines.push(captureLine({ type: 'connection', time, connection, from, to }));
  }

  /** Bytes, as they were handed on. */
  passed(direction: Direction, bytes: Uint8Array): void {
    this.#bytes += bytes.byteLength;
    if (this.#bytes > MAX_BYTES) return;
    this.#lines.push(captureLine({ type: 'bytes', ...this.#place, direction, bytes }));
  }

  ended(direction: Direction): void {
    this.#lines.push(captureLine({ type: 'end', ...this.#place, direction, error: undefined }));
  }

  /** All of it so far. */
  get file(): Blob {
    return new Blob(this.#lines, { type: 'application/jsonl' });
  }

  get #place(): { time: number; connection: number } {
    return { time: Math.round(performance.now() - this.#since), connection: this.#connection };
  }
}
