/**
 * Samples one contender of one row, wherever it runs: a process of Node or a page.
 *
 * A contender is `start(context)`, which resolves to one of
 * - `{ run(count) }`: does the work `count` times, and the value is a rate
 * - `{ measure() }`: resolves to the value itself
 * and may have a `close()`. In the context are `load(name)`, which gives a package of its set of peers, and `isQuick`.
 */

/** What a sample takes at least, and how long a contender warms up, in milliseconds. */
const SAMPLE_MS = 300;
const WARM_MS = 1000;

/**
 * A started contender as `{ sample(), close() }`. `now()` is the clock, in milliseconds: by the wall, or of the time
 * that the processor spent, which says more where the machine has other work.
 */
export async function sampler(row, start, context, now) {
  const contender = await start(context);
  const close = async () => contender.close?.();
  if (contender.measure !== undefined) {
    return {
      close,
      async sample() {
        globalThis.gc?.();
        return contender.measure();
      },
    };
  }

  /** Does it so many times and tells how many milliseconds that took. */
  const timed = async (count) => {
    // Not a full one: V8 drops what it has compiled for classes of which nothing lives, and each sample would start cold.
    globalThis.gc?.({ type: 'minor' });
    const from = now();
    await contender.run(count);
    return now() - from;
  };

  const least = row.count ?? 1;
  let count = least;
  if (!context.isQuick) {
    let warm = 0;
    for (;;) {
      const ms = await timed(count);
      warm += ms;
      if (ms >= SAMPLE_MS / 2 && warm >= WARM_MS) break;
      if (ms < SAMPLE_MS) count = Math.ceil(count * Math.min(8, SAMPLE_MS / ms));
    }
    // Compiled by now, it is faster than it was.
    count = Math.max(least, Math.ceil((count * SAMPLE_MS) / (await timed(count))));
  }
  return {
    close,
    sample: async () => (count * (row.worth ?? 1) * 1000) / (await timed(count)),
  };
}
