/** Playwright's `test` with what all specs need: the url of the site, and an eye on what nobody caught. */
import { test as base, expect } from '@playwright/test';

export { expect };

export const test = base.extend<{ uncaught: string[] }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the parameter's names
  baseURL: async ({}, use) => use(process.env.SITE),
  /** Errors and rejections that no code caught, in any page of the test: there are none. */
  uncaught: [
    async ({ context }, use) => {
      const uncaught: string[] = [];
      context.on('weberror', (fault) => uncaught.push(String(fault.error().stack ?? fault.error())));
      await use(uncaught);
      expect(uncaught).toEqual([]);
    },
    { auto: true },
  ],
});
