/**
 * What waits to be sent. The transport pulls: control messages first, then the channels in turn, each in its
 * own order. An answer that takes reading from a disk waits as a function and is made only when it is pulled.
 */
import type { MaybePromise } from './stream/stage.ts';
import type { Packet, Sendable } from './wire/messages.ts';

/** Makes a message when the transport can take it, or `undefined` where there is nothing to say any more. */
export type Produce = () => MaybePromise<Sendable | undefined>;

/** A batch ends once it has as many bytes: enough to fill a socket's buffer, little enough to stay nimble. */
const BATCH_BYTES = 65_536;
/** Answers read at once for a batch. Bounds the memory of a batch of the largest blocks to 64 MiB. */
const BATCH_PRODUCED = 8;

interface Queue {
  readonly items: (Sendable | Produce)[];
  bytes: number;
  waiting: (() => void)[];
}

export class Outbox implements AsyncIterable<readonly Packet<Sendable>[]> {
  readonly #sendBytes: number;
  #control: Packet<Sendable>[] = [];
  /** By channel number, in the order of their turns. */
  readonly #queues = new Map<number, Queue>();
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
    this.#wake?.();
  }

  /** Sends on a channel, in order. */
  send(channel: number, item: Sendable | Produce): void {
    if (this.#state !== 'open') return;
    let queue = this.#queues.get(channel);
    if (queue === undefined) {
      queue = { items: [], bytes: 0, waiting: [] };
      this.#queues.set(channel, queue);
    }
    queue.items.push(item);
    queue.bytes += estimate(item);
    this.#wake?.();
  }

  /** A sign of life, if nothing else waits. */
  keepalive(): void {
    if (this.#control.length === 0 && this.#queues.size === 0) this.control(0, { type: 'keepalive' });
  }

  /** `undefined` where the channel may send on; else a promise of that moment. */
  writable(channel: number): Promise<void> | undefined {
    const queue = this.#queues.get(channel);
    if (queue === undefined || queue.bytes < this.#sendBytes || this.#state === 'aborted') return undefined;
    return new Promise((resolve) => queue.waiting.push(resolve));
  }

  /** Takes nothing more; what waits is still sent, then the end. */
  finish(): void {
    if (this.#state === 'open') this.#state = 'finishing';
    this.#wake?.();
  }

  /** Drops what waits and ends. */
  abort(): void {
    this.#state = 'aborted';
    this.#control = [];
    for (const queue of this.#queues.values()) release(queue);
    this.#queues.clear();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Packet<Sendable>[], void, undefined> {
    for (;;) {
      const batch = this.#take();
      if (batch.length > 0) {
        const packets: Packet<Sendable>[] = [];
        for (const { channel, message } of batch) {
          const made = message instanceof Promise ? await message : message;
          if (made !== undefined) packets.push({ channel, message: made });
        }
        if (this.#isAborted()) return;
        if (packets.length > 0) yield packets;
      } else if (this.#state === 'open') {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      } else {
        return;
      }
    }
  }

  /** Everything of control, then one message a channel and turn, until the batch is full. */
  #take(): Packet<MaybePromise<Sendable | undefined>>[] {
    const batch: Packet<MaybePromise<Sendable | undefined>>[] = this.#control;
    this.#control = [];
    let bytes = 0;
    let produced = 0;
    while (this.#queues.size > 0 && bytes < BATCH_BYTES && produced < BATCH_PRODUCED) {
      const [channel, queue] = this.#queues.entries().next().value!;
      const item = queue.items.shift()!;
      const size = estimate(item);
      queue.bytes -= size;
      bytes += size;
      // Behind the others for the next turn, or out where it has nothing left.
      this.#queues.delete(channel);
      if (queue.items.length > 0) this.#queues.set(channel, queue);
      if (queue.bytes < this.#sendBytes) release(queue);
      if (typeof item === 'function') {
        produced++;
        const message = item();
        // Awaited in its turn; until then a failure must not count as unhandled.
        if (message instanceof Promise) message.catch(() => {});
        batch.push({ channel, message });
      } else {
        batch.push({ channel, message: item });
      }
    }
    return batch;
  }

  #isAborted(): boolean {
    return this.#state === 'aborted';
  }
}

function release(queue: Queue): void {
  for (const resolve of queue.waiting.splice(0)) resolve();
}

/** About what a message takes: what is long in it, and a little for the rest. */
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
