/** A few hundred seeds of the simulated world. `npm run simulate -- --seeds N` runs more. */
import { describe, expect, it } from 'vitest';
import { simulate } from './simulation.ts';

/** Enough to find what is broken badly; set to run longer. */
const SEEDS = Number(process.env.SIMULATE_SEEDS ?? 200);
const GROUPS = 4;

describe('a world where everything goes wrong', () => {
  it.each(Array.from({ length: GROUPS }, (_, group) => group))(
    'loses nothing and shows nothing false, part %i',
    { timeout: 300_000 },
    async (group) => {
      const broken: string[] = [];
      for (let seed = 1 + group; seed <= SEEDS; seed += GROUPS) {
        const { violation } = await simulate(seed);
        if (violation !== undefined) broken.push(`npm run simulate -- --seed ${seed} --lines: ${violation}`);
      }
      expect(broken).toEqual([]);
    },
  );

  it('takes the same course for the same seed, line by line', { timeout: 60_000 }, async () => {
    for (const seed of [3, 17, 94]) {
      const [once, again] = [await simulate(seed, true), await simulate(seed, true)];
      expect(again.lines).toEqual(once.lines);
      expect(again.hash).toBe(once.hash);
      expect(once.lines.length).toBeGreaterThan(50);
    }
    expect((await simulate(4)).hash).not.toBe((await simulate(5)).hash);
  });

  it('finds what is broken: a storage that says that it has flushed, and has not', {
    timeout: 120_000,
  }, async () => {
    let found = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const { violation } = await simulate(seed, false, { liesAboutFlush: true });
      if (violation !== undefined) found++;
    }
    expect(found).toBeGreaterThan(0);
  });
});
