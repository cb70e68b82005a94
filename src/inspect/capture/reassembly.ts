/** One direction of a TCP connection: its bytes in order and each once, from segments in any order and some twice. */

/** Bytes, and segments, that wait for one before them. What is missing past that, the capture does not have. */
const MAX_WAITING_BYTES = 4_194_304;
const MAX_WAITING = 4096;

export interface ReassemblyHost {
  onBytes(bytes: Uint8Array): void;
  onMissing(byteLength: number): void;
  /** The direction has ended, and all before has been told. */
  onEnd(): void;
}

interface Waiting {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** Takes segments. Sequence numbers wrap at 2^32. */
export class Reassembly {
  readonly #host: ReassemblyHost;
  /** The sequence number of the next byte; `undefined` until one is known. */
  #next: number | undefined;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  /** Of the byte behind the last. */
  #last: number | undefined;
  #hasEnded = false;

  constructor(host: ReassemblyHost) {
    this.#host = host;
  }

  /** Where the direction begins: the sequence number of a SYN. */
  begin(sequence: number): void {
    this.#next ??= (sequence + 1) >>> 0;
  }

  /** A segment's bytes, which are copied; `isLast` with a FIN. */
  add(sequence: number, bytes: Uint8Array, isLast: boolean): void {
    if (this.#hasEnded) return;
    this.#next ??= sequence;
    if (isLast) this.#last = (sequence + bytes.byteLength) >>> 0;
    if (bytes.byteLength > 0 && distance(this.#next, sequence) + bytes.byteLength > 0) {
      this.#insert({ sequence, bytes: bytes.slice() });
    }
    this.#drain();
    while (this.#waiting.length > MAX_WAITING || this.#waitingBytes > MAX_WAITING_BYTES) this.#skip();
  }

  /** No more comes: what waits is told, and what is missing before it. */
  flush(): void {
    while (this.#waiting.length > 0) this.#skip();
    const isCut = !this.#hasEnded && this.#last !== undefined && this.#next !== undefined;
    const missing = isCut ? distance(this.#next!, this.#last!) : 0;
    if (missing > 0) {
      this.#host.onMissing(missing);
      this.#next = this.#last;
    }
    this.#checkEnd();
  }

  /** By where they begin; segments mostly come in order. */
  #insert(segment: Waiting): void {
    let at = this.#waiting.length;
    while (at > 0 && distance(segment.sequence, this.#waiting[at - 1]!.sequence) > 0) at--;
    this.#waiting.splice(at, 0, segment);
    this.#waitingBytes += segment.bytes.byteLength;
  }

  /** Tells what follows without a gap. Of bytes that came twice, the first count, as for the receiver. */
  #drain(): void {
    let done = 0;
    for (const { sequence, bytes } of this.#waiting) {
      const overlap = -distance(this.#next!, sequence);
      if (overlap < 0) break;
      done++;
      this.#waitingBytes -= bytes.byteLength;
      if (overlap >= bytes.byteLength) continue;
      this.#next = (sequence + bytes.byteLength) >>> 0;
      this.#host.onBytes(overlap === 0 ? bytes : bytes.subarray(overlap));
    }
    if (done > 0) this.#waiting.splice(0, done);
    this.#checkEnd();
  }

  /** Gives up on what is missing before the first that waits. */
  #skip(): void {
    const { sequence } = this.#waiting[0]!;
    this.#host.onMissing(distance(this.#next!, sequence));
    this.#next = sequence;
    this.#drain();
  }

  #checkEnd(): void {
    if (this.#hasEnded || this.#last === undefined || this.#next !== this.#last) return;
    this.#hasEnded = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#host.onEnd();
  }
}

/** How far `b` is behind `a`, negative where it is before it. */
function distance(a: number, b: number): number {
  return (b - a) | 0;
}
