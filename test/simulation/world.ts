/**
 * Time, chance and the record of a simulated world. Everything in it happens in one order: the next event is
 * the earliest that is due, and it begins once all that followed from the one before has come to rest.
 */
import type { Clock } from '../../src/stream/clock.ts';
import { Random } from './random.ts';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/** What must never be: the simulation stops, and names its seed. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

export class World {
  readonly random: Random;
  /** What happened, line by line, where `keepsLines`. */
  readonly lines: string[] = [];
  readonly #keepsLines: boolean;
  #now = 0;
  #order = 0;
  /** A binary heap, the earliest first. */
  readonly #events: Event[] = [];
  #hash = 0x811c9dc5;
  #violation: Violation | undefined;

  constructor(seed: number, keepsLines = false) {
    this.random = new Random(seed);
    this.#keepsLines = keepsLines;
  }

  now(): number {
    return this.#now;
  }

  /** A number over all that was recorded: the same for the same course of events. */
  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  /** Records what happened. */
  log(line: string): void {
    const entry = `${this.#now.toFixed(1)} ${line}`;
    for (let i = 0; i < entry.length; i++)
      this.#hash = Math.imul(this.#hash ^ entry.charCodeAt(i), 0x01000193);
    if (this.#keepsLines) this.lines.push(entry);
  }

  /** The first violation counts. It may come from where nobody would catch it. */
  violate(what: string): void {
    this.log(`VIOLATION ${what}`);
    this.#violation ??= new Violation(what);
  }

  /** Calls `fn` after some milliseconds. */
  after(ms: number, fn: () => void): () => void {
    const event = { at: this.#now + Math.max(0, ms), order: this.#order++, fn };
    push(this.#events, event);
    let isOff = false;
    const calledOff = (): void => {
      if (!isOff) fn();
    };
    (event as { fn: () => void }).fn = calledOff;
    return () => {
      isOff = true;
    };
  }

  delay(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** Lets time pass until `isDone`, or for so long. @throws the first {@link Violation}. */
  async run(ms: number, isDone: () => boolean = () => false): Promise<void> {
    const end = this.#now + ms;
    await rest();
    for (;;) {
      if (this.#violation !== undefined) throw this.#violation;
      const next = this.#events[0];
      if (isDone() || next === undefined || next.at > end) break;
      pop(this.#events);
      this.#now = next.at;
      next.fn();
      await rest();
    }
    if (!isDone()) this.#now = end;
  }
}

/** The clock of one program in the world. It stops with the program. */
export class ProgramClock implements Clock {
  readonly #world: World;
  readonly #timers = new Set<() => void>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Timers that were not called yet, nor called off. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#world.now();
  }

  after(ms: number, fn: () => void): () => void {
    const cancel = this.#world.after(ms, () => {
      this.#timers.delete(stop);
      fn();
    });
    const stop = (): void => {
      this.#timers.delete(stop);
      cancel();
    };
    this.#timers.add(stop);
    return stop;
  }

  /** The program was killed. */
  kill(): void {
    for (const stop of [...this.#timers]) stop();
  }
}

/** All that can go on without time has gone on: only promises are left to wait for in this world. */
function rest(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

function push(heap: Event[], event: Event): void {
  let at = heap.push(event) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (isBefore(heap[above]!, heap[at]!)) return;
    [heap[above], heap[at]] = [heap[at]!, heap[above]!];
    at = above;
  }
}

function pop(heap: Event[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  heap[0] = last;
  for (let at = 0; ; ) {
    let first = at;
    for (const below of [2 * at + 1, 2 * at + 2])
      if (below < heap.length && isBefore(heap[below]!, heap[first]!)) first = below;
    if (first === at) return;
    [heap[first], heap[at]] = [heap[at]!, heap[first]!];
    at = first;
  }
}
