import { expect, test } from './test.ts';

test('a page gives the known answers', async ({ page }) => {
  await page.goto('index.html');
  expect(await page.evaluate(() => scenarios.wrongAnswers())).toEqual([]);
});
