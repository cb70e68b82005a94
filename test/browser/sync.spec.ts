import { expect, test } from './test.ts';

test('two feeds replicate within a page', async ({ page }) => {
  await page.goto('index.html');
  expect(await page.evaluate(() => scenarios.memory())).toEqual(['hello', 'world']);
});
