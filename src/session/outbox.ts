/**
 * What waits to be sent. The transport pulls: control messages first, then the channels in turn, each in its
 * own order. An answer that takes reading from a disk waits as a function and is made only when it is pulled;
 * control messages and signs of life still go out meanwhile.
 */
import { isPromise, type MaybePromise } from '../stream/stage.ts';
import type { Packet, Sendable } from '../wire/messages.ts';
import { NONE } from './none.ts';

/** What is made when the transport can take it: a message, several, or `undefined` if there is nothing left to say. */
export type Made = Sendable | readonly Sendable[] | undefined;
/** Makes it, at once or later. */
export type Produce = () => MaybePromise<Made>;

/** A batch ends at this many bytes: enough to fill a socket's buffer, few enough that control messages go out soon. */
const BATCH_BYTES = 65_536;
/** Answers read at once for a batch. Bounds the memory of a batch of the largest blocks to 64 MiB. */
const BATCH_PRODUCED = 8;

/** What waits on a channel. */
interface Queue {
  readonly channel: number;
  items: (Sendable | Produce)[];
  /** Items at the front that were taken already. Shifting each off would cost time in proportion to the queue. */
  taken: number;
  bytes: number;
  waiting: (() => void)[];
}

/** A message that is being made. It holds those behind it back. */
interface Making {
  readonly channel: number;
  /** `undefined` until it is known. */
  made: { readonly message?: Made; readonly error?: unknown } | undefined;
}

type Taken = Packet<Sendable> | Making;

export class Outbox {
  readonly #sendBytes: number;
  #control: Packet<Sendable>[] = [];
  /** By channel number. */
  readonly #queues: (Queue | undefined)[] = [];
  /** Those that are not empty, in the order of their turns; the next one is at `#turn`. */
  #line: Queue[] = [];
  #turn = 0;
  /** What was taken and has not gone out: the first is still being made. */
  #held: readonly Taken[] = NONE;
  #state: 'open' | 'finishing' | 'aborted' = 'open';
  #wake: (() => void) | undefined;

  /** `sendBytes`: what may wait on a channel before `writable` makes its sender wait. */
  constructor(sendBytes: number) {
    this.#sendBytes = sendBytes;
  }

  /** Sends ahead of everything else that waits. */
  control(channel: number, message: Sendable): void {
    if (this.#state !== 'open') return;
    this.#control.push({ channel, message });
    this.#changed();
  }

  /** Sends on a channel, in order. */
  send(channel: number, item: Sendable | Produce): void {
    if (this.#state !== 'open') return;
    let queue = this.#queues[channel];
    if (queue === undefined) {
      queue = { channel, items: [], taken: 0, bytes: 0, waiting: [] };
      this.#queues[channel] = queue;
    }
    // At the end of the line, which is where the turn begins.
    if (queue.items.length === 0) this.#line.splice(this.#turn++, 0, queue);
    queue.items.push(item);
    queue.bytes += estimate(item);
    this.#changed();
  }

  /** A sign of life, if nothing else is about to go out. */
  keepalive(): void {
    const isStuck = this.#wake !== undefined;
    if (this.#control.length === 0 && (isStuck || this.#line.length === 0))
      this.control(0, { type: 'keepalive' });
  }

  /** Whether the channel may send now. */
  hasRoom(channel: number): boolean {
    const queue = this.#queues[channel];
    return queue === undefined || queue.bytes < this.#sendBytes || this.#state === 'aborted';
  }

  /** `undefined` if the channel may send now; otherwise a promise that resolves when it may. */
  writable(channel: number): Promise<void> | undefined {
    if (this.hasRoom(channel)) return undefined;
    return new Promise((resolve) => this.#queues[channel]!.waiting.push(resolve));
  }

  /** Accepts nothing more; sends what is queued, then ends. */
  finish(): void {
    if (this.#state === 'open') this.#state = 'finishing';
    this.#changed();
  }

  /** Drops what waits and ends. */
  abort(): void {
    this.#state = 'aborted';
    this.#control = [];
    for (const queue of this.#line) release(queue);
    this.#line = [];
    this.#held = NONE;
    this.#changed();
  }

  /** Whether it accepts anything more. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** The next batch; empty where one has to wait for {@link onChange}, `undefined` once all is sent. */
  take(): readonly Packet<Sendable>[] | undefined {
    for (;;) {
      if (this.#state === 'aborted') return undefined;
      const packets = this.#control;
      this.#control = [];
      if (this.#held.length === 0) this.#held = this.#takeTurns();
      if (this.#held.length === 0) return packets.length > 0 || this.#state === 'open' ? packets : undefined;
      this.#release(packets);
      if (packets.length > 0 || this.#held.length > 0) return packets;
    }
  }

  /** Calls `fn` once when {@link take} may have more: a turn later, so that what is sent in one turn is one batch. */
  onChange(fn: () => void): void {
    this.#wake = fn;
  }

  #changed(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    if (wake !== undefined) Promise.resolve().then(wake);
  }

  /** Takes one message from each channel in turn, until it is enough for a batch. */
  #takeTurns(): Taken[] {
    const line = this.#line;
    const batch: Taken[] = [];
    let bytes = 0;
    let produced = 0;
    while (line.length > 0 && bytes < BATCH_BYTES && produced < BATCH_PRODUCED) {
      if (this.#turn >= line.length) this.#turn = 0;
      const queue = line[this.#turn]!;
      const item = queue.items[queue.taken++]!;
      const size = estimate(item);
      queue.bytes -= size;
      bytes += size;
      if (2 * queue.taken >= queue.items.length) {
        queue.items = queue.items.slice(queue.taken);
        queue.taken = 0;
      }
      if (queue.items.length > 0) this.#turn++;
      else line.splice(this.#turn, 1);
      if (queue.bytes < this.#sendBytes) release(queue);
      if (typeof item === 'function') {
        produced++;
        batch.push(this.#make(queue.channel, item));
      } else {
        batch.push({ channel: queue.channel, message: item });
      }
    }
    return batch;
  }

  /** Adds what is made to `packets`, as far as nothing before it is still being made. */
  #release(packets: Packet<Sendable>[]): void {
    let next = 0;
    for (; next < this.#held.length; next++) {
      const taken = this.#held[next]!;
      if ('message' in taken) {
        packets.push(taken);
        continue;
      }
      if (taken.made === undefined) break;
      const { message, error } = taken.made;
      if (error !== undefined) throw error;
      if (message === undefined) continue;
      const { channel } = taken;
      if ('type' in message) packets.push({ channel, message });
      else for (const one of message) packets.push({ channel, message: one });
    }
    this.#held = this.#held.slice(next);
  }

  #make(channel: number, produce: Produce): Making {
    const message = produce();
    if (!isPromise(message)) return { channel, made: { message } };
    const making: Making = { channel, made: undefined };
    Promise.resolve(message)
      .then(
        (made) => {
          making.made = { message: made };
        },
        (error) => {
          making.made = { error: error ?? new Error('a message could not be made') };
        },
      )
      .then(() => this.#changed());
    return making;
  }
}

function release(queue: Queue): void {
  if (queue.waiting.length > 0) for (const resolve of queue.waiting.splice(0)) resolve();
}

/** The approximate size of a message: its long fields, plus a little for the rest. */
function estimate(item: Sendable | Produce): number {
  if (typeof item === 'function') return 0;
  switch (item.type) {
    case 'data':
      return 32 + (item.value?.byteLength ?? 0) + 48 * (item.nodes?.length ?? 0);
    case 'have':
      return 32 + (item.bitfield?.byteLength ?? 0);
    case 'extension':
      return 32 + item.payload.byteLength;
    default:
      return 32;
  }
}
