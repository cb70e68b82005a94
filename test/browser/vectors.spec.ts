import { expect, test } from './test.ts';

test('a page gives the known answers', async ({ page }) => {
  await page.goto('index.html');
  expect(await page.evaluate(() => scenarios.wrongAnswers())).toEqual([]);
});

for (const [name, where, made] of [
  ['index.html', 'in WASM', 1],
  ['strict.html', 'in plain JavaScript where WASM is forbidden', 0],
] as const) {
  test(`a page makes the known keystreams, ${where}`, async ({ page }) => {
    // What compiles at once is the kernel alone.
    await page.addInitScript(() => {
      const { Module } = WebAssembly;
      Object.assign(globalThis, { compiled: 0 });
      WebAssembly.Module = class extends Module {
        constructor(code: BufferSource) {
          super(code);
          (globalThis as unknown as { compiled: number }).compiled++;
        }
      };
    });
    await page.goto(name);
    expect(await page.evaluate(() => scenarios.wrongKeystreams())).toEqual([]);
    expect(await page.evaluate(() => (globalThis as unknown as { compiled: number }).compiled)).toBe(made);
  });
}
