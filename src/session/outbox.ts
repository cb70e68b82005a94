/**
 * What waits to be sent. The transport pulls: control messages first, then the channels in turn, each in its
 * own order. An answer that takes reading from a disk waits as a function and is made only when it is pulled;
 * control messages and signs of life still go out meanwhile.
 */
import type { MaybePromise } from '../stream/stage.ts';
import type { TraceListener } from '../trace.ts';
import type { Packet, Sendable } from '../wire/messages.ts';

/** What is made when the transport can take it: a message, several, or `undefined` if there is nothing left to say. */
export type Made = Sendable | readonly Sendable[] | undefined;
export type Produce = () => MaybePromise<Made>;

/** A batch ends at this many bytes: enough to fill a socket's buffer, few enough that control messages go out soon. */
const BATCH_BYTES = 65_536;
/** Answers read at once for a batch. Bounds the memory of a batch of the largest blocks to 64 MiB. */
const BATCH_PRODUCED = 8;

interface Queue {
  items: (Sendable | Produce)[];
  /** Items at the front that were taken already. Shifting each off would cost time in proportion to the queue. */
  taken: number;
  bytes: number;
  waiting: (() => void)[];
}

/** A message on its way out. One that is being made holds those behind it back. */
interface Taken {
  readonly channel: number;
  message?: Made;
  isMaking: boolean;
  error?: unknown;
}

export class Outbox implements AsyncIterable<readonly Packet<Sendable>[]> {
  readonly #sendBytes: number;
  readonly #trace: TraceListener | undefined;
  #control: Packet<Sendable>[] = [];
  /** By channel number, in the order of their turns. */
  readonly #queues = new Map<number, Queue>();
  #state: 'open' | 'finishing' | 'aborted' = 'open';
  #wake: (() => void) | undefined;

  /** `sendBytes`: what may wait on a channel before `writable` makes its sender wait. */
  constructor(sendBytes: number, trace?: TraceListener) {
    this.#sendBytes = sendBytes;
    this.#trace = trace;
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
      queue = { items: [], taken: 0, bytes: 0, waiting: [] };
      this.#queues.set(channel, queue);
    }
    queue.items.push(item);
    queue.bytes += estimate(item);
    this.#wake?.();
  }

  /** A sign of life, if nothing else is about to go out. */
  keepalive(): void {
    const isStuck = this.#wake !== undefined;
    if (this.#control.length === 0 && (isStuck || this.#queues.size === 0))
      this.control(0, { type: 'keepalive' });
  }

  /** Whether the channel may send now. */
  hasRoom(channel: number): boolean {
    const queue = this.#queues.get(channel);
    return queue === undefined || queue.bytes < this.#sendBytes || this.#state === 'aborted';
  }

  /** `undefined` if the channel may send now; otherwise a promise that resolves when it may. */
  writable(channel: number): Promise<void> | undefined {
    if (this.hasRoom(channel)) return undefined;
    return new Promise((resolve) => this.#queues.get(channel)!.waiting.push(resolve));
  }

  /** Accepts nothing more; sends what is queued, then ends. */
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
    let batch: Taken[] = [];
    for (;;) {
      if (this.#state === 'aborted') return;
      const packets = this.#control;
      this.#control = [];
      if (batch.length === 0) batch = this.#take();
      const making = batch.findIndex(({ isMaking }) => isMaking);
      const made = batch.splice(0, making === -1 ? batch.length : making);
      for (const { channel, message, error } of made) {
        if (error !== undefined) throw error;
        if (message === undefined) continue;
        if ('type' in message) packets.push({ channel, message });
        else for (const one of message) packets.push({ channel, message: one });
      }
      if (packets.length > 0) {
        for (const packet of packets) this.#trace?.({ type: 'message', direction: 'out', ...packet });
        yield packets;
      } else if (batch.length > 0 || (made.length === 0 && this.#state === 'open')) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      } else if (made.length === 0) {
        return;
      }
    }
  }

  /** Takes one message from each channel in turn, until the batch is full. */
  #take(): Taken[] {
    const batch: Taken[] = [];
    let bytes = 0;
    let produced = 0;
    while (this.#queues.size > 0 && bytes < BATCH_BYTES && produced < BATCH_PRODUCED) {
      const [channel, queue] = this.#queues.entries().next().value!;
      const item = queue.items[queue.taken++]!;
      const size = estimate(item);
      queue.bytes -= size;
      bytes += size;
      if (2 * queue.taken >= queue.items.length) {
        queue.items = queue.items.slice(queue.taken);
        queue.taken = 0;
      }
      // Back of the line for the next turn, or removed if it is empty.
      this.#queues.delete(channel);
      if (queue.items.length > 0) this.#queues.set(channel, queue);
      if (queue.bytes < this.#sendBytes) release(queue);
      if (typeof item === 'function') {
        produced++;
        batch.push(this.#make(channel, item));
      } else {
        batch.push({ channel, message: item, isMaking: false });
      }
    }
    return batch;
  }

  #make(channel: number, produce: Produce): Taken {
    const message = produce();
    if (!(message instanceof Promise)) return { channel, message, isMaking: false };
    const taken: Taken = { channel, isMaking: true };
    message
      .then(
        (made) => {
          taken.message = made;
        },
        (error) => {
          taken.error = error ?? new Error('a message could not be made');
        },
      )
      .then(() => {
        taken.isMaking = false;
        this.#wake?.();
      });
    return taken;
  }
}

function release(queue: Queue): void {
  for (const resolve of queue.waiting.splice(0)) resolve();
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
