/**
 * What one peer has, as far as it told us: which Wants to send, and what its Haves say.
 */
import { ProtocolError } from '../../errors.ts';
import type { Have, Unhave } from '../../wire/messages.ts';
import { decodeStretches, type Stretch } from '../../wire/rle.ts';
import { RemoteBlocks } from './remote-blocks.ts';

/** Blocks that one Want asks about: hypercore 7 counts only answers of exactly this length. */
export const WANT_LENGTH = 1_048_576;
/** hypercore 7's own number of Wants without an answer. */
const MAX_UNANSWERED = 16;
/** Regions that one peer is asked about: 4 Gi blocks, past which a length is not believed. */
const MAX_REGIONS = 4096;
/** Bytes of a bitfield without a stated range, which hypercore before 6.22.1 sends: 32 Mi blocks. */
const MAX_OPEN_BITFIELD = 4_194_304;

export class Availability {
  readonly blocks: RemoteBlocks = new RemoteBlocks();
  /** Regions asked about, and whether the answer came. */
  readonly #regions = new Map<number, boolean>();
  #unanswered = 0;
  #all = false;

  /** Whether at least one Want was sent, and every Want has its answer. */
  get hasAnsweredWants(): boolean {
    return this.#all || (this.#regions.size > 0 && this.#unanswered === 0);
  }

  /** The Wants to send now so as to hear of the blocks from `start` to before `end`. */
  ask(start: number, end: number): { start: number; length: number }[] {
    const wants: { start: number; length: number }[] = [];
    for (let region = Math.floor(start / WANT_LENGTH); region * WANT_LENGTH < end; region++) {
      if (this.#all || this.#unanswered >= MAX_UNANSWERED || this.#regions.size >= MAX_REGIONS) break;
      if (this.#regions.has(region)) continue;
      this.#regions.set(region, false);
      this.#unanswered++;
      wants.push({ start: region * WANT_LENGTH, length: WANT_LENGTH });
    }
    return wants;
  }

  /** @throws ProtocolError `bad-message` for an invalid range or bitfield; `have-flood`. */
  have({ start, length, bitfield }: Have): void {
    if (bitfield === undefined) {
      const blocks = Math.max(1, length);
      checkRange(start, blocks);
      this.blocks.add(start, blocks);
    } else {
      if (start % 8 !== 0) throw new ProtocolError('bad-message', `a Have bitfield starts at block ${start}`);
      const isOpen = length <= 1;
      checkRange(start, length);
      const stretches = decodeStretches(bitfield, isOpen ? MAX_OPEN_BITFIELD : bitfieldBytes(length));
      this.#replace(start, isOpen ? Number.MAX_SAFE_INTEGER - start : length, stretches);
      if (isOpen) this.#all = true;
    }
    const region = start / WANT_LENGTH;
    if (length === WANT_LENGTH && this.#regions.get(region) === false) {
      this.#regions.set(region, true);
      this.#unanswered--;
    }
  }

  /** Takes what a bitfield says of the `length` blocks from `start`. What is behind them is not looked at. */
  #replace(start: number, length: number, stretches: readonly Stretch[]): void {
    const { blocks } = this;
    blocks.remove(start, length);
    for (const { at, byteLength, bits } of stretches) {
      const from = start + 8 * at;
      const count = Math.min(8 * byteLength, start + length - from);
      if (count <= 0) return;
      if (bits === true) blocks.add(from, count);
      else if (bits !== false) blocks.replace(from, count, bits);
    }
  }

  /** @throws ProtocolError `bad-message` for an invalid range; `have-flood`. */
  unhave({ start, length }: Unhave): void {
    const blocks = Math.max(1, length);
    checkRange(start, blocks);
    this.blocks.remove(start, blocks);
  }
}

/** Decoders of hypercore pad to 4 bytes, and so may encoders. */
function bitfieldBytes(blocks: number): number {
  return Math.min(WANT_LENGTH / 8, 4 * Math.ceil(blocks / 32));
}

function checkRange(start: number, length: number): void {
  if (!Number.isSafeInteger(start + length)) {
    throw new ProtocolError('bad-message', `a range of blocks passes 2^53-1: ${start} and ${length} more`);
  }
}
