/** Bytes that wait for the rest of their frame. */

/** Past this much room for nothing, the room is given back. */
const KEPT_BYTES = 65_536;

/** Grows with what has come, and so never with what was announced. */
export class Gathered {
  #room: Uint8Array = new Uint8Array(256);
  #start = 0;
  #end = 0;

  /** What is held. A view, good until the next call of `append`. */
  get bytes(): Uint8Array {
    return this.#room.subarray(this.#start, this.#end);
  }

  /** Copies `chunk` behind what is held; returns the copy, which may be changed in place. */
  append(chunk: Uint8Array): Uint8Array {
    const start = this.#reserve(chunk.byteLength);
    this.#room.set(chunk, start);
    this.#end = start + chunk.byteLength;
    return this.#room.subarray(start, this.#end);
  }

  /** Forgets the first `count` bytes. */
  drop(count: number): void {
    this.#start += count;
    if (this.#start < this.#end) return;
    this.#start = 0;
    this.#end = 0;
    if (this.#room.byteLength > KEPT_BYTES) this.#room = new Uint8Array(256);
  }

  /** Room for `bytes` more; returns where it begins. */
  #reserve(bytes: number): number {
    if (this.#end + bytes <= this.#room.byteLength) return this.#end;
    const held = this.bytes;
    const needed = held.byteLength + bytes;
    // Moved within its room only where that makes much of it free, so that a byte is not moved again and again.
    if (needed > this.#room.byteLength / 2) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#room.byteLength));
      larger.set(held);
      this.#room = larger;
    } else {
      this.#room.copyWithin(0, this.#start, this.#end);
    }
    this.#start = 0;
    this.#end = held.byteLength;
    return this.#end;
  }
}
