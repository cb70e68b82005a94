/** Feeds over what joins pages, workers and peers in Chromium; and what becomes of them when that is gone. */
import { expect, test } from './test.ts';

test.beforeEach(({ page }) => page.goto('transports.html'));

const BLOCKS = 200;
const done = { code: expect.stringMatching(/closed$/), count: BLOCKS };

for (const encrypted of [true, false]) {
  test(`a page copies a feed of a worker, ${encrypted ? 'encrypted' : 'in the clear'}`, async ({ page }) => {
    const outcome = await page.evaluate((is) => transports.fromWorker(is), encrypted);
    expect(outcome).toEqual({ page: done, worker: done });
  });
}

test('two peers copy a feed over a data channel, and may close their connection at once', async ({
  page,
}) => {
  expect(await page.evaluate(() => transports.overDataChannel())).toEqual([done, done]);
});

for (const what of ['channel', 'connection'] as const) {
  test(`a data channel whose ${what} is closed in the middle fails, and a new one goes on`, async ({
    page,
  }) => {
    const [[feed, copy] = [], after] = await page.evaluate((it) => transports.cutDataChannel(it), what);
    expect([feed, copy]).toEqual([
      { code: 'transport', count: BLOCKS },
      { code: 'transport', count: expect.any(Number) },
    ]);
    expect(copy!.count).toBeGreaterThan(BLOCKS / 10);
    expect(copy!.count).toBeLessThan(BLOCKS);
    expect(after).toEqual([done, done]);
  });
}

test('a worker that is terminated is told by the idle deadline, and a new one goes on', async ({ page }) => {
  const [[feed, copy] = [], after] = await page.evaluate(() => transports.overTerminatedWorker());
  expect([feed, copy]).toEqual([
    { code: 'timeout', count: BLOCKS },
    { code: 'timeout', count: expect.any(Number) },
  ]);
  expect(copy!.count).toBeLessThan(BLOCKS);
  expect(after).toEqual([done, done]);
});
