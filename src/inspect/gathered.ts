/** Bytes that wait for the rest of their frame. */

/** Past this much room for little, the room is given back. */
const KEPT_BYTES = 65_536;

/** Grows with what has come, and so never with what was announced. */
export class Gathered {
  #room = new Uint8Array(256);
  #length = 0;

  /** What is held. A view, which the next call may overwrite. */
  get bytes(): Uint8Array {
    return this.#room.subarray(0, this.#length);
  }

  /** Copies `chunk` behind what is held; returns the copy, which may be changed in place. */
  append(chunk: Uint8Array): Uint8Array {
    const start = this.#length;
    this.#reserve(start + chunk.byteLength);
    this.#room.set(chunk, start);
    this.#length += chunk.byteLength;
    return this.#room.subarray(start, this.#length);
  }

  /** Forgets the first `count` bytes. */
  drop(count: number): void {
    const rest = this.#room.subarray(count, this.#length);
    if (this.#room.byteLength > KEPT_BYTES && rest.byteLength < KEPT_BYTES / 2) {
      this.#room = rest.slice();
    } else if (count > 0) {
      this.#room.copyWithin(0, count, this.#length);
    }
    this.#length = rest.byteLength;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#room.byteLength) return;
    const larger = new Uint8Array(Math.max(bytes, 2 * this.#room.byteLength));
    larger.set(this.bytes);
    this.#room = larger;
  }
}
