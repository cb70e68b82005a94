/** Every kind of place that a browser has syncs a feed of hypercore 7.7.1, byte for byte. */
import { expect, hexBlocks, test } from './test.ts';

test('two feeds replicate within a page', async ({ page }) => {
  await page.goto('index.html');
  expect(await page.evaluate(() => scenarios.memory())).toEqual(['hello', 'world']);
});

test('a page syncs', async ({ page, served }) => {
  await page.goto('index.html');
  expect(await page.evaluate((served) => scenarios.sync(served), served)).toEqual(hexBlocks);
});

test('a dedicated worker syncs', async ({ page, served }) => {
  await page.goto('index.html');
  expect(await page.evaluate((served) => scenarios.syncInWorker(served), served)).toEqual(hexBlocks);
});

test('a shared worker syncs', async ({ page, served }) => {
  await page.goto('index.html');
  expect(await page.evaluate((served) => scenarios.syncInSharedWorker(served), served)).toEqual(hexBlocks);
});

test('a page under a policy without WASM syncs with noble', async ({ page, served }) => {
  await page.goto('strict.html');
  const wanted = { ...served, withNoble: true };
  expect(await page.evaluate((wanted) => scenarios.sync(wanted), wanted)).toEqual(hexBlocks);
});

test('a page under a policy without WASM is told what to do', async ({ page, served }) => {
  await page.goto('strict.html');
  const error = await page.evaluate((served) => scenarios.sync(served).catch(String), served);
  expect(error).toMatch(/'wasm-unsafe-eval'.*hypercore-wire\/crypto\/noble/);
});
