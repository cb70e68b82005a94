/** Playwright's `test` with what all specs need: the url of the site, and an eye on what nobody caught. */
import { test as base, expect } from '@playwright/test';
import { blocksOf } from '../interop/blocks.ts';
import { type ServedFeed, serveFeed } from './served-feed.ts';

export { expect };

/** What `served` has. */
export const blocks: readonly Uint8Array[] = blocksOf(120, 3000);
export const hexBlocks: readonly string[] = blocks.map((block) => Buffer.from(block).toString('hex'));

/** Where a page finds a feed. */
export type Served = Pick<ServedFeed, 'key' | 'url'> & { readonly length: number };

export const test = base.extend<{ uncaught: string[] }, { served: Served }>({
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
  /** A feed of hypercore 7.7.1 that does not change, for all tests of a process. */
  served: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the parameter's names
    async ({}, use) => {
      const { key, url, close } = await serveFeed(blocks);
      await use({ key, url, length: blocks.length });
      await close();
    },
    { scope: 'worker' },
  ],
});
