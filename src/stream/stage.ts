/**
 * The way bytes and messages flow: stages, each one concern in one direction, and the synchronous
 * machines inside them.
 */

/** The value, or a promise of it. A synchronous answer saves a turn of the event loop. */
export type MaybePromise<T> = T | Promise<T>;

/** All values; a promise only where one of them is, since `Promise.all` would cost turns of the event loop. */
export function all<T extends readonly unknown[]>(
  values: readonly [...T],
): MaybePromise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  return values.some((value) => value instanceof Promise)
    ? Promise.all(values)
    : (values as unknown as { -readonly [K in keyof T]: Awaited<T[K]> });
}

/**
 * One concern, one direction. Flows in batches: one async hop per transport chunk, never one per message.
 * Owns no timer, no socket, no signal.
 */
export type Stage<I, O = I> = (source: AsyncIterable<readonly I[]>) => AsyncIterable<readonly O[]>;

/** The synchronous engine inside a stage: no promise, no I/O, no clock. */
export interface Machine<I, O> {
  /** Takes one input and adds what it makes of it to `out`. What it added before it throws counts. */
  push(input: I, out: O[]): void;
  /** The batch has ended: what was held back to go out together goes out now. */
  flush?(out: O[]): void;
  /** The source has ended. Throws where it ended too early. */
  end?(out: O[]): void;
}

/** Makes a stage of a machine. What the machine put out before an error still flows, then the error. */
export function stage<I, O>(make: () => Machine<I, O>): Stage<I, O> {
  return async function* (source) {
    const machine = make();
    for await (const batch of source) {
      const out: O[] = [];
      try {
        for (const input of batch) machine.push(input, out);
        machine.flush?.(out);
      } catch (error) {
        if (out.length > 0) yield out;
        throw error;
      }
      if (out.length > 0) yield out;
    }
    const out: O[] = [];
    machine.end?.(out);
    if (out.length > 0) yield out;
  };
}

/** Runs a source through stages, left to right. */
export function pipe<A>(source: AsyncIterable<readonly A[]>): AsyncIterable<readonly A[]>;
export function pipe<A, B>(source: AsyncIterable<readonly A[]>, a: Stage<A, B>): AsyncIterable<readonly B[]>;
export function pipe<A, B, C>(
  source: AsyncIterable<readonly A[]>,
  a: Stage<A, B>,
  b: Stage<B, C>,
): AsyncIterable<readonly C[]>;
export function pipe<A, B, C, D>(
  source: AsyncIterable<readonly A[]>,
  a: Stage<A, B>,
  b: Stage<B, C>,
  c: Stage<C, D>,
): AsyncIterable<readonly D[]>;
export function pipe(
  source: AsyncIterable<readonly unknown[]>,
  ...stages: Stage<unknown, unknown>[]
): AsyncIterable<readonly unknown[]> {
  return stages.reduce((flow, next) => next(flow), source);
}
