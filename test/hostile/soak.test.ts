/** The load tests in small. `npm run soak` runs them in full. */
import { describe, expect, it } from 'vitest';
import { comingAndGoing, liveFor, sessionsAtOnce } from './soak.ts';

const MIB = 2 ** 20;

describe('load', { timeout: 180_000 }, () => {
  it('of a hundred sessions at once leaves nothing behind', async () => {
    const { grown, each } = await sessionsAtOnce(100);
    expect(each).toBeLessThan(MIB / 2);
    expect(grown).toBeLessThan(4 * MIB);
  });

  it('of sessions that come and go leaves nothing behind', async () => {
    const { grown } = await comingAndGoing(400);
    expect(grown).toBeLessThan(4 * MIB);
  });

  it('of live traffic for ten minutes leaves nothing behind', async () => {
    const { grown } = await liveFor(10);
    expect(grown).toBeLessThan(4 * MIB);
  });
});
