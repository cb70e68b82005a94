/** A tab that nobody looks at: its timers come late, or it stands still altogether. */
import { append } from '../interop/hypercore.ts';
import { serveFeed } from './served-feed.ts';
import { expect, test } from './test.ts';

const block = (byte: number): Uint8Array => new Uint8Array(10).fill(byte);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('a page whose timers come once a minute stays connected', async ({ page }) => {
  const { key, url, feed, close } = await serveFeed([block(0)]);
  await page.addInitScript(() => {
    const { setTimeout } = globalThis;
    Object.assign(globalThis, { setTimeout: (fn: () => void) => setTimeout(fn, 60_000) });
  });
  await page.goto('index.html');
  await page.evaluate((wanted) => scenarios.keep(wanted), { key, url });
  const kept = () => page.evaluate(() => scenarios.kept());
  await expect.poll(async () => (await kept()).blocks).toBe(1);
  // The peer waits 7.5 s for a sign of life.
  await pause(20_000);
  await append(feed, [block(1)]);
  await expect.poll(async () => (await kept()).blocks).toBe(2);
  expect((await kept()).told).toEqual(['connected']);
  await close();
});

test('a page that stood still for longer than its peer waits connects again', async ({ page }) => {
  const { key, url, feed, close } = await serveFeed([block(0)]);
  await page.goto('index.html');
  await page.evaluate((wanted) => scenarios.keep(wanted), { key, url });
  const kept = () => page.evaluate(() => scenarios.kept());
  await expect.poll(async () => (await kept()).blocks).toBe(1);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Debugger.enable');
  await devtools.send('Debugger.pause');
  await pause(12_000);
  await devtools.send('Debugger.resume');
  await devtools.send('Debugger.disable');
  await append(feed, [block(1)]);
  await expect.poll(async () => (await kept()).blocks).toBe(2);
  expect((await kept()).told).toEqual(['connected', 'disconnected', 'retry', 'connected']);
  await close();
});
