/**
 * The way bytes and messages flow: stages, each one concern in one direction, and the synchronous
 * machines inside them.
 */

/** The value, or a promise of it. A synchronous answer saves a turn of the event loop. */
export type MaybePromise<T> = T | Promise<T>;

/** Whether it is a promise, of whichever realm or library: `instanceof` knows those of this realm alone. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null | undefined)?.then === 'function';
}

/** Goes on at once with a plain value, or else when the promise resolves. A promise that it gives is of this realm. */
export function after<A, B>(value: MaybePromise<A>, next: (value: A) => MaybePromise<B>): MaybePromise<B> {
  return isPromise(value) ? Promise.resolve(value).then(next) : next(value);
}

/**
 * What `make` gives for each item; a promise only where one of them is, since `Promise.all` would cost turns of the
 * event loop. Rejects where one throws: what was begun before it has somebody who waits for it all the same.
 */
export function all<I, T>(items: readonly I[], make: (item: I) => MaybePromise<T>): MaybePromise<T[]> {
  let isLate = false;
  const values = items.map((item) => {
    try {
      const value = make(item);
      isLate ||= isPromise(value);
      return value;
    } catch (error) {
      isLate = true;
      return Promise.reject(error);
    }
  });
  return isLate ? Promise.all(values) : (values as T[]);
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

/** What the stages were made of that {@link stage} made. */
const makers = new WeakMap<Stage<unknown, unknown>, () => Machine<unknown, unknown>>();

/** Makes a stage of a machine. What the machine put out before an error still flows, then the error. */
export function stage<I, O>(make: () => Machine<I, O>): Stage<I, O> {
  const made: Stage<I, O> = (source) => run(source, [make]) as AsyncIterable<readonly O[]>;
  makers.set(made as Stage<unknown, unknown>, make as () => Machine<unknown, unknown>);
  return made;
}

/** Machines behind each other, at the price of one asynchronous stage. */
async function* run(
  source: AsyncIterable<readonly unknown[]>,
  chain: readonly (() => Machine<unknown, unknown>)[],
): AsyncGenerator<readonly unknown[], void, undefined> {
  const machines = chain.map((make) => make());
  for await (const batch of source) {
    const { out, failed } = through(machines, batch, false);
    if (out.length > 0) yield out;
    if (failed !== undefined) throw failed.error;
  }
  const { out, failed } = through(machines, [], true);
  if (out.length > 0) yield out;
  if (failed !== undefined) throw failed.error;
}

/** Takes a batch through all machines; past an error only what was put out before it goes on. */
function through(
  machines: readonly Machine<unknown, unknown>[],
  batch: readonly unknown[],
  isEnd: boolean,
): { readonly out: readonly unknown[]; readonly failed: { readonly error: unknown } | undefined } {
  let flow = batch;
  let failed: { readonly error: unknown } | undefined;
  for (const machine of machines) {
    const out: unknown[] = [];
    try {
      for (const input of flow) machine.push(input, out);
      if (flow.length > 0) machine.flush?.(out);
      if (isEnd && failed === undefined) machine.end?.(out);
    } catch (error) {
      failed = { error };
    }
    flow = out;
  }
  return { out: flow, failed };
}

/** Runs a source through stages, left to right. Machines next to each other run without a turn between them. */
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
  let flow = source;
  let chain: (() => Machine<unknown, unknown>)[] = [];
  for (const next of stages) {
    const make = makers.get(next);
    if (make !== undefined) {
      chain.push(make);
      continue;
    }
    flow = next(chain.length > 0 ? run(flow, chain) : flow);
    chain = [];
  }
  return chain.length > 0 ? run(flow, chain) : flow;
}
