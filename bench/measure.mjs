/** A row's contenders in turn, A B C A B C, so that what slows the machine for a while slows all of them. */
import { median } from './median.mjs';
import { contenderNames } from './rows/row.mjs';

/**
 * Measures a row: `{ work, unit, ours, peers: { name: value }, ratio: { name: value } }`, the ratios being ours to
 * theirs. `start(row, name)` starts a contender.
 */
export async function measure(row, { start, runs, names = contenderNames(row) }) {
  const samples = new Map(names.map((name) => [name, []]));
  const running = new Map();
  try {
    for (let run = 0; run < runs; run++) {
      for (const name of names) {
        const contender = running.get(name) ?? (await start(row, name));
        running.set(name, contender);
        samples.get(name).push(await contender.sample());
        if (row.isFresh) {
          running.delete(name);
          await contender.close();
        }
      }
    }
  } finally {
    await Promise.all([...running.values()].map((contender) => contender.close()));
  }
  const { ours, ...peers } = Object.fromEntries(names.map((name) => [name, median(samples.get(name))]));
  const ratio = Object.fromEntries(Object.entries(peers).map(([name, value]) => [name, ours / value]));
  return { work: row.work, unit: row.unit, ours, peers, ratio };
}
