/** The blocks that one side asked for, until they come. */
import type { Message } from '../wire/messages.ts';

/** A Request that was not answered. */
export interface Unanswered {
  /** Discovery key of the feed, in hex. */
  readonly feed: string;
  readonly index: number;
  /** When it was asked for. */
  readonly time: number;
  /** Whether the other side said that it does not have the block. */
  readonly isRefused: boolean;
}

/** Follows one side's Requests and the other's answers. Of more than `max` the oldest are forgotten. */
export class Requests {
  readonly #max: number;
  readonly #waiting = new Map<string, Unanswered>();

  constructor(max: number) {
    this.#max = max;
  }

  /** What the side that asks has sent on a channel of this feed. */
  asks(feed: string, message: Message, time: number): void {
    if (message.type === 'cancel') this.#waiting.delete(name(feed, message.index));
    // One for a byte is answered with the block that has it, which only the other side knows.
    if (message.type !== 'request' || message.bytes > 0) return;
    const { index } = message;
    const key = name(feed, index);
    if (!this.#waiting.has(key)) this.#waiting.set(key, { feed, index, time, isRefused: false });
    if (this.#waiting.size > this.#max) this.#waiting.delete(this.#waiting.keys().next().value!);
  }

  /** What the other side has sent. */
  hears(feed: string, message: Message): void {
    if (message.type === 'data') this.#waiting.delete(name(feed, message.index));
    if (message.type !== 'unhave') return;
    for (const [key, request] of this.#waiting) {
      const { start, length } = message;
      const isMeant = request.feed === feed && request.index >= start && request.index < start + length;
      if (isMeant) this.#waiting.set(key, { ...request, isRefused: true });
    }
  }

  /** The oldest first. */
  get unanswered(): readonly Unanswered[] {
    return [...this.#waiting.values()];
  }
}

function name(feed: string, index: number): string {
  return `${feed} ${index}`;
}
