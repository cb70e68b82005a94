/**
 * Frames: `varint(length) body`. In: transport chunks in any chunking. Out: whole bodies, as views if a
 * chunk holds all of one. A body of 0 bytes is a keepalive.
 */
import { ProtocolError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import { type Machine, type Stage, stage } from '../stream/stage.ts';

/** The reference accepts at most four length bytes, whatever their value. */
const MAX_LENGTH_BYTES = 4;

/** The stage of {@link Deframer}. */
export function deframe(limits: Pick<Limits, 'frameBytes'>): Stage<Uint8Array> {
  return stage(() => new Deframer(limits.frameBytes));
}

/** Who is told which frames came, before what was made of their bodies is handed on. All in bytes, with length prefix. */
export interface FrameWatcher {
  /** Whether it wants to know of each one. Asked once a chunk. */
  readonly isWatching: boolean;
  /** So many bytes of frames came to their end in a chunk; `each` of them where it is watching, or else none. */
  arrived(byteLength: number, each: readonly number[]): void;
}

/**
 * Cuts a byte stream into frames and hands on what `read` makes of each body. Memory grows with what has arrived,
 * never with what is announced. Throws `frame-too-large`, and `truncated` where the stream ends inside a frame.
 */
export abstract class FrameReader<T> implements Machine<Uint8Array, T> {
  readonly #maxBytes: number;
  readonly #watcher: FrameWatcher | undefined;
  /** The length prefix as far as it came. */
  #length = 0;
  #lengthBytes = 0;
  /** The body as far as it came, where it spans chunks. */
  #body: Uint8Array | undefined;
  #filled = 0;
  /** Bytes of the frames that came to their end in this chunk; each of them, where somebody watches. */
  #framed = 0;
  #each: number[] | undefined;

  constructor(maxBytes: number, watcher?: FrameWatcher) {
    this.#maxBytes = maxBytes;
    this.#watcher = watcher;
  }

  /** Makes something of a body, which lies between `start` and `end` in `bytes`. */
  protected abstract read(bytes: Uint8Array, start: number, end: number): T;

  push(chunk: Uint8Array, out: T[]): void {
    if (this.#watcher?.isWatching) this.#each = [];
    try {
      let offset = 0;
      while (offset < chunk.byteLength) {
        offset = this.#body === undefined ? this.#start(chunk, offset, out) : this.#fill(chunk, offset, out);
      }
    } finally {
      this.#watcher?.arrived(this.#framed, this.#each ?? []);
      this.#framed = 0;
      this.#each = undefined;
    }
  }

  end(): void {
    if (this.#lengthBytes > 0) {
      throw new ProtocolError(
        'truncated',
        `the connection ended inside a frame, after ${this.#filled} of ${this.#length} bytes: reconnect`,
      );
    }
  }

  /** At or inside a length prefix. */
  #start(chunk: Uint8Array, offset: number, out: T[]): number {
    const byte = chunk[offset++]!;
    this.#length += (byte & 0x7f) << (7 * this.#lengthBytes);
    this.#lengthBytes++;
    if (this.#length > this.#maxBytes || (byte >= 0x80 && this.#lengthBytes === MAX_LENGTH_BYTES)) {
      throw new ProtocolError(
        'frame-too-large',
        `the remote announced a frame of ${this.#length} bytes or more, over the limit of ${this.#maxBytes}: it is not a Hypercore 6 peer, the bytes were damaged, or the limit is set too low`,
      );
    }
    if (byte >= 0x80) return offset;

    const end = offset + this.#length;
    if (end <= chunk.byteLength) {
      out.push(this.read(chunk, offset, end));
      this.#reset();
      return end;
    }
    // The chunk is ours. What it has of the body is copied once more has come, and mostly that is the rest.
    this.#body = chunk.subarray(offset);
    this.#filled = this.#body.byteLength;
    return chunk.byteLength;
  }

  /** Inside a body that spans chunks. */
  #fill(chunk: Uint8Array, offset: number, out: T[]): number {
    const take = Math.min(chunk.byteLength - offset, this.#length - this.#filled);
    const filled = this.#filled + take;
    let body = this.#body!;
    if (filled > body.byteLength) {
      body = new Uint8Array(Math.min(this.#length, Math.max(filled, 2 * body.byteLength)));
      body.set(this.#body!.subarray(0, this.#filled));
      this.#body = body;
    }
    body.set(chunk.subarray(offset, offset + take), this.#filled);
    this.#filled = filled;
    if (filled === this.#length) {
      out.push(this.read(body, 0, filled));
      this.#reset();
    }
    return offset + take;
  }

  #reset(): void {
    const byteLength = this.#lengthBytes + this.#length;
    this.#framed += byteLength;
    this.#each?.push(byteLength);
    this.#length = 0;
    this.#lengthBytes = 0;
    this.#body = undefined;
    this.#filled = 0;
  }
}

/** Cuts frame bodies out of chunks, and hands them out as they are. */
export class Deframer extends FrameReader<Uint8Array> {
  constructor(maxBytes: number) {
    super(maxBytes);
  }

  protected override read(bytes: Uint8Array, start: number, end: number): Uint8Array {
    return bytes.subarray(start, end);
  }
}
