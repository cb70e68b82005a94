/** The contract of Transport in Chromium, over each kind of transport that a page can have. */
import type { Page } from '@playwright/test';
import { contract } from '../transport/contract.ts';
import type { KindName } from './site/transports.ts';
import { test as base, expect } from './test.ts';

const kinds = Object.keys({
  'a MessagePort': true,
  'a MessagePort to a worker, and one back': true,
  'a Worker, and a MessagePort back': true,
  'a data channel': true,
  'web streams': true,
} satisfies Record<KindName, true>) as KindName[];

/** One page for many cases: they let go of what they made. */
const test = base.extend<object, { shared: { page: Page; uncaught: string[] } }>({
  shared: [
    async ({ browser }, use) => {
      const page = await browser.newPage();
      const uncaught: string[] = [];
      page.on('pageerror', (fault) => uncaught.push(String(fault.stack ?? fault)));
      await page.goto(`${process.env.SITE}/transports.html`);
      await use({ page, uncaught });
      await page.close();
    },
    { scope: 'worker' },
  ],
});

for (const kind of kinds) {
  test.describe(`${kind} keeps the contract of Transport`, () => {
    for (const { name } of contract) {
      test(name, async ({ shared: { page, uncaught } }) => {
        await page.evaluate(([of, one]) => transports.keep(of, one), [kind, name] as const);
        expect(uncaught.splice(0)).toEqual([]);
      });
    }
  });
}
