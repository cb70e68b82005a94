/** Where the stages tell what happens, and where it becomes events, if somebody listens. */
import { describe, type ProtocolError } from '../errors.ts';
import type { Clock } from '../stream/clock.ts';
import type {
  Measured,
  TraceDirection,
  TracedState,
  TraceEvent,
  TraceListener,
  TraceOptions,
} from '../trace.ts';
import type { FrameWatcher } from '../wire/frame.ts';
import type { Message, Packet, Sendable } from '../wire/messages.ts';
import { varintLength } from '../wire/varint.ts';
import { NONE } from './none.ts';

/** Those that have no bytes in them, and are what they measure. */
const NUMBERS_ONLY = ['info', 'unhave', 'want', 'unwant', 'request', 'cancel', 'keepalive'];

const TYPES: readonly TraceEvent['type'][] = ['bytes', 'frame', 'message', 'state', 'warning', 'fault'];

/** @throws TypeError unless `trace` is a listener, or one with options; RangeError for a type that no event has. */
export function readTrace(trace: TraceListener | TraceOptions): TraceOptions {
  const options = typeof trace === 'function' ? { listener: trace } : trace;
  if (typeof options?.listener !== 'function')
    throw new TypeError(
      `"trace" expected a function, or { listener, types, payloads }, got ${describe(trace)}`,
    );
  for (const type of options.types ?? []) {
    if (!TYPES.includes(type))
      throw new RangeError(`"trace.types" expected some of ${TYPES.join(', ')}, got ${describe(type)}`);
  }
  return options;
}

const NOBODY = byType(NONE);

/** Who is told of it. */
export interface TracerHost {
  /** A listener threw this. */
  onListenerError(error: unknown): void;
}

export class Tracer implements FrameWatcher {
  readonly #clock: Clock;
  readonly #host: TracerHost;
  /** By the type of event that they are told of. */
  #subscribers: Readonly<Record<TraceEvent['type'], readonly TraceOptions[]>> = NOBODY;
  #all: readonly TraceOptions[] = NONE;
  #isWatching = false;
  /** Bytes of all chunks. */
  readonly #passed: Record<TraceDirection, number> = { in: 0, out: 0 };
  /** Bytes up to the end of the last frame. */
  readonly #framed: Record<TraceDirection, number> = { in: 0, out: 0 };
  /** Bytes of each frame that came in, was watched, and is not routed yet. */
  #arrived: readonly number[] = NONE;
  #routed = 0;
  /** When the frames that are told of came or went: one time for all of a batch. */
  readonly #batch: Record<TraceDirection, number | undefined> = { in: undefined, out: undefined };

  constructor(clock: Clock, host: TracerHost) {
    this.#clock = clock;
    this.#host = host;
  }

  /** The returned function ends it. */
  add(trace: TraceListener | TraceOptions): () => void {
    const subscriber = { ...readTrace(trace) };
    this.#setAll([...this.#all, subscriber]);
    return () => this.#setAll(this.#all.filter((one) => one !== subscriber));
  }

  #setAll(all: readonly TraceOptions[]): void {
    this.#all = all;
    this.#subscribers = byType(all);
    this.#isWatching = this.#isHeard('frame') || this.#isHeard('message');
  }

  #isHeard(type: TraceEvent['type']): boolean {
    return this.#subscribers[type].length > 0;
  }

  /** A chunk is handed to the transport, or came from it. */
  chunk(direction: TraceDirection, chunk: Uint8Array): void {
    const { byteLength } = chunk;
    const offset = this.#passed[direction];
    this.#passed[direction] = offset + byteLength;
    this.#batch[direction] = undefined;
    if (!this.#isHeard('bytes')) return;
    const event = { type: 'bytes', time: this.#clock.now(), direction, offset, byteLength } as const;
    // A copy, since the chunk is overwritten by who takes it next.
    this.#emit(event, this.#hasPayloads(event.type) ? { ...event, bytes: new Uint8Array(chunk) } : event);
  }

  /** Keepalives went by that are no part of any frame: those before the first one. */
  skipped(byteLength: number): void {
    this.#framed.in += byteLength;
  }

  /** Whether each frame is told of, not only how many bytes went by. */
  get isWatching(): boolean {
    return this.#isWatching;
  }

  /** Frames came in; what was in them is routed next. */
  arrived(byteLength: number, each: readonly number[]): void {
    if (each.length === 0) this.#framed.in += byteLength;
    else this.#arrived = this.#arrived.concat(each);
  }

  /** What was in the next of those frames. */
  routed(packet: Packet): void {
    // Most often nobody listens, or began to after this one came.
    if (this.#arrived.length === 0) return;
    const byteLength = this.#arrived[this.#routed]!;
    if (++this.#routed === this.#arrived.length) {
      this.#arrived = NONE;
      this.#routed = 0;
    }
    this.frame('in', packet, byteLength);
  }

  /** Packets were made into frames, and go out in one chunk. */
  framed(packets: readonly Packet<Sendable>[], bodies: readonly number[], byteLength: number): void {
    if (!this.#isWatching) {
      this.#framed.out += byteLength;
      return;
    }
    for (let i = 0; i < packets.length; i++) {
      const body = bodies[i]!;
      this.frame('out', packets[i]!, varintLength(body) + body);
    }
  }

  state(state: TracedState['state']): void {
    if (this.#isHeard('state')) this.#emit({ type: 'state', time: this.#clock.now(), state });
  }

  warning(channel: number, reason: string): void {
    if (this.#isHeard('warning')) this.#emit({ type: 'warning', time: this.#clock.now(), channel, reason });
  }

  /** The session has ended, by what `find` gives where the remote was at fault. */
  fault(find: () => ProtocolError | undefined): void {
    const fault = this.#isHeard('fault') ? find() : undefined;
    if (fault === undefined) return;
    const { code, message } = fault;
    this.#emit({ type: 'fault', time: this.#clock.now(), code, message });
  }

  /** One frame went by, and what was in it. */
  frame(
    direction: TraceDirection,
    { channel, message }: Packet<Message | Sendable>,
    byteLength: number,
  ): void {
    const offset = this.#framed[direction];
    this.#framed[direction] = offset + byteLength;
    if (!this.#isWatching) return;
    this.#batch[direction] ??= this.#clock.now();
    const time = this.#batch[direction];
    if (this.#isHeard('frame')) this.#emit({ type: 'frame', time, direction, offset, byteLength, channel });
    if (!this.#isHeard('message')) return;
    const event = { type: 'message', time, direction, channel, message: measured(message) } as const;
    this.#emit(event, this.#hasPayloads(event.type) ? { ...event, content: message } : event);
  }

  #hasPayloads(type: TraceEvent['type']): boolean {
    return this.#subscribers[type].some(({ payloads }) => payloads);
  }

  #emit(event: TraceEvent, withPayloads = event): void {
    for (const { listener, payloads } of this.#subscribers[event.type]) {
      try {
        listener(payloads ? withPayloads : event);
      } catch (error) {
        this.#host.onListenerError(error);
      }
    }
  }
}

function byType(all: readonly TraceOptions[]): Record<TraceEvent['type'], readonly TraceOptions[]> {
  const of = (type: TraceEvent['type']): TraceOptions[] =>
    all.filter(({ types }) => types === undefined || types.includes(type));
  return {
    bytes: of('bytes'),
    frame: of('frame'),
    message: of('message'),
    state: of('state'),
    warning: of('warning'),
    fault: of('fault'),
  };
}

function measured<M extends Message | Sendable>(message: M): Measured<M> {
  const isMeasured =
    message.type === 'have' ? message.bitfield === undefined : NUMBERS_ONLY.includes(message.type);
  return isMeasured ? (message as Measured<M>) : sizes(message);
}

function sizes<T>(value: T): Measured<T>;
function sizes(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.byteLength;
  if (Array.isArray(value)) return value.map((one) => sizes(one));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, sizes(one)]));
}
