/** What is asked for together: at once where it can be, and waited for as a whole where not. */
import { describe, expect, it } from 'vitest';
import { after, all } from '../../src/stream/stage.ts';
import { foreign } from '../foreign.ts';

describe('all', () => {
  it('is there at once unless one of them is late', async () => {
    expect(all([1, 2], (n) => 2 * n)).toEqual([2, 4]);
    const late = all([1, 2], (n) => (n === 1 ? Promise.resolve(2) : 4));
    expect(late).toBeInstanceOf(Promise);
    expect(await late).toEqual([2, 4]);
  });

  it('waits for promises of another realm too', async () => {
    const late = all([1, 2], (n) => (n === 1 ? foreign(2) : 4));
    expect(late).toBeInstanceOf(Promise);
    expect(await late).toEqual([2, 4]);
  });

  it('rejects where one throws, and leaves none of the others without somebody who waits', async () => {
    // Found by seed 61704: the first would be reported as unhandled, and fail this run.
    const both = all([1, 2], (n) => {
      if (n === 2) throw new Error('at once');
      return Promise.reject(new Error('late'));
    });
    await expect(both).rejects.toThrow(/at once|late/);
  });
});

describe('after', () => {
  it('goes on at once, or with what a promise of whichever realm gives, by one of this realm', async () => {
    for (const value of [1, null, undefined]) expect(after(value, (it) => [it])).toEqual([value]);
    const late = after(foreign(1), (n) => n + 1);
    expect(late).toBeInstanceOf(Promise);
    expect(await late).toBe(2);
  });
});
