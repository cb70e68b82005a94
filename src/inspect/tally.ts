/** The sums of one direction, as they grow. */
import { toHex } from '../crypto/hex.ts';
import type { Message } from '../wire/messages.ts';
import type { DirectionStatistics, TypeStatistics } from './events.ts';

/** Counts frames. Holds nothing of them but the names of the first `maxFeeds` feeds. */
export class Tally {
  readonly #maxFeeds: number;
  #frames = 0;
  #frameBytes = 0;
  #blocks = 0;
  #blockBytes = 0;
  readonly #types: Partial<Record<Message['type'], TypeStatistics>> = {};
  readonly #feeds = new Set<string>();

  constructor(maxFeeds: number) {
    this.#maxFeeds = maxFeeds;
  }

  get frames(): number {
    return this.#frames;
  }

  get blocks(): number {
    return this.#blocks;
  }

  /** A frame of `byteLength` bytes, its length included, with this message. */
  add(message: Message, byteLength: number): void {
    this.#frames++;
    this.#frameBytes += byteLength;
    const { frames = 0, bytes = 0 } = this.#types[message.type] ?? {};
    this.#types[message.type] = { frames: frames + 1, bytes: bytes + byteLength };
    if (message.type === 'data' && message.value !== undefined) {
      this.#blocks++;
      this.#blockBytes += message.value.byteLength;
    }
  }

  /** A feed that was opened. False where no more are kept: a channel may be opened again and again, for another each time. */
  addFeed(discoveryKey: Uint8Array): boolean {
    const name = toHex(discoveryKey);
    if (this.#feeds.size < this.#maxFeeds) this.#feeds.add(name);
    return this.#feeds.has(name);
  }

  /** The sums, of a direction of `bytes` bytes. */
  statistics(bytes: number): DirectionStatistics {
    return {
      bytes,
      frames: this.#frames,
      types: { ...this.#types },
      unreadBytes: bytes - this.#frameBytes,
      blocks: this.#blocks,
      blockBytes: this.#blockBytes,
      feeds: [...this.#feeds],
    };
  }
}
