/** Feeds in OPFS, in a worker, from a page and from a shared worker; several tabs, no space, crashes. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from '@playwright/test';
import { append, openHypercore, promise } from '../interop/hypercore.ts';
import { contract } from '../storage/contract.ts';
import { expect, test } from './test.ts';

/** A page of the site, in a tab of its own. */
async function tab(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto('index.html');
  return page;
}

/** The browser's files are on the disk, where those of other tests are in memory, as in a private window. */
const testOnDisk = test.extend({
  context: async ({ launchOptions, baseURL }, use, info) => {
    const options = { ...launchOptions, baseURL: baseURL! };
    const context = await chromium.launchPersistentContext(info.outputPath('profile'), options);
    await use(context);
    await context.close();
  },
});

test.describe('the contract of Storage is kept', () => {
  const kept = contract.map(({ name }) => [name, 'kept']);

  test('in a worker', async ({ context }) => {
    const page = await tab(context);
    expect(await page.evaluate(() => scenarios.inWorker().contract())).toEqual(kept);
  });

  test('from a page', async ({ context }) => {
    const page = await tab(context);
    expect(await page.evaluate(() => scenarios.inPage().contract())).toEqual(kept);
  });

  test('from a shared worker', async ({ context }) => {
    const page = await tab(context);
    expect(await page.evaluate(async () => (await scenarios.inShared()).contract())).toEqual(kept);
  });

  testOnDisk('in a worker, on the disk', async ({ context }) => {
    const page = await tab(context);
    expect(await page.evaluate(() => scenarios.inWorker().contract())).toEqual(kept);
  });
});

test('opening makes nothing, and what cannot be opened says why', async ({ context }) => {
  const page = await tab(context);
  expect(await page.evaluate(() => scenarios.refusals())).toEqual({
    'in a page': expect.stringMatching(/^StorageError: \[unsupported\] .* dedicated worker only/),
    'other things': expect.stringMatching(
      /^StorageError: \[foreign\] photos has other things in it \(cat.jpg\)/,
    ),
    'a file': expect.stringMatching(/^StorageError: \[foreign\] A file is where note should be/),
    'below a file': expect.stringMatching(/^StorageError: \[foreign\] /),
    'no name': expect.stringMatching(/^TypeError: "folder" expected a path/),
    outside: expect.stringMatching(/^TypeError: "folder" expected a path/),
    'after opening': ['note', 'photos'],
    'after writing': ['tree'],
  });
});

test.describe('one tab at a time', () => {
  test('has a folder: the next one is told so, and gets in when it is closed', async ({ context }) => {
    const [first, second] = [await tab(context), await tab(context)];
    await first.evaluate(() => scenarios.inPage().create('brief'));
    await first.evaluate(() => scenarios.inPage().append('brief', 'one'));
    const open = (): Promise<number> => second.evaluate(() => scenarios.inPage().open('brief'));
    await expect(open()).rejects.toThrow(/\[locked\] brief is in use, by another tab/);
    await first.evaluate(() => scenarios.inPage().close('brief'));
    expect(await open()).toBe(1);
  });

  test('gets in when the first is closed without a word', async ({ context }) => {
    const [first, second] = [await tab(context), await tab(context)];
    await first.evaluate(() => scenarios.inPage().create('feed'));
    await first.evaluate(() => scenarios.inPage().append('feed', 'one'));
    const opening = second.evaluate(() => scenarios.inPage().open('feed'));
    await first.close();
    expect(await opening).toBe(1);
    expect(await second.evaluate(() => scenarios.inPage().words('feed'))).toEqual(['one']);
  });

  test('goes on after a reload in the middle of a sync', async ({ context }) => {
    const page = await tab(context);
    // It stops by itself, or all of it may be here before the page reloads.
    const stored = await page.evaluate(() =>
      scenarios.startDownload('feed', { count: 10_000, bytes: 2000 }, 100, 150),
    );
    await page.reload();
    const held = await page.evaluate(() => scenarios.inWorker().held('feed'));
    expect(held).toEqual(expect.arrayContaining(stored));
    expect(held.length).toBeLessThan(10_000);
    const came = await page.evaluate(() =>
      scenarios.inWorker().download('feed', { count: 10_000, bytes: 2000 }),
    );
    const wasHeld = new Set(held);
    expect(came.filter((index) => wasHeld.has(index))).toEqual([]);
    expect(came.length + held.length).toBe(10_000);
  });
});

test.describe('a worker that goes', () => {
  test('is told to who waits for it', async ({ context }) => {
    const page = await tab(context);
    const gone = /worker that has the files of terminated is gone/;
    expect(await page.evaluate(() => scenarios.terminatedUnderway())).toEqual([
      expect.stringMatching(/^(done|platform)$/),
      expect.stringMatching(/^(done|platform)$/),
      expect.stringMatching(gone),
    ]);
  });

  test('is replaced, in a shared worker, by one of another page', async ({ context }) => {
    const [first, second] = [await tab(context), await tab(context)];
    await first.evaluate(async () => (await scenarios.inShared()).create('feed'));
    await second.evaluate(async () => (await scenarios.inShared()).append('feed', 'one'));
    const lost = second.evaluate(async () => (await scenarios.inShared()).lost());
    await first.close();
    expect(await lost).toMatch(/\[platform\] The worker that has the files of feed is gone/);
    await expect(
      second.evaluate(async () => (await scenarios.inShared()).append('feed', 'two')),
    ).rejects.toThrow(/\[platform\]/);
    await second.evaluate(async () => (await scenarios.inShared()).close('feed'));
    expect(await second.evaluate(async () => (await scenarios.inShared()).open('feed'))).toBe(1);
    await second.evaluate(async () => (await scenarios.inShared()).append('feed', 'two'));
    expect(await second.evaluate(async () => (await scenarios.inShared()).words('feed'))).toEqual([
      'one',
      'two',
    ]);
  });

  test('lets go of what a shared worker held that is no more', async ({ context }) => {
    const page = await tab(context);
    await page.evaluate(async () => (await scenarios.inShared()).create('feed'));
    await page.evaluate(async () => void (await scenarios.inShared()).end());
    expect(await page.evaluate(() => scenarios.inPage().open('feed'))).toBe(0);
  });
});

for (const [where, testThere] of [
  ['in memory', test],
  ['on the disk', testOnDisk],
] as const) {
  testThere(`a full storage, ${where}: nothing is lost, and it goes on with space`, async ({ context }) => {
    test.setTimeout(180_000);
    const page = await tab(context);
    const devtools = await context.newCDPSession(page);
    const origin = new URL(page.url()).origin;
    const allow = async (more: number): Promise<void> => {
      const { usage } = await devtools.send('Storage.getUsageAndQuota', { origin });
      await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: usage + more });
    };
    const full = /\[platform\] The browser's storage is full/;
    await page.evaluate(() => scenarios.inPage().create('own'));
    for (let i = 0; i < 3; i++) await page.evaluate(() => scenarios.inPage().grow('own', 100_000));
    await allow(100_000);
    const grow = (): Promise<number> => page.evaluate(() => scenarios.inPage().grow('own', 8_000_000));
    await expect(grow()).rejects.toThrow(full);
    await expect(grow()).rejects.toThrow(full);
    const download = (): Promise<number[]> =>
      page.evaluate(() => scenarios.inWorker().download('copy', { count: 200, bytes: 20_000 }));
    await expect(download()).rejects.toThrow(full);
    const held = await page.evaluate(() => scenarios.inWorker().held('copy'));
    expect(held.length).toBeLessThan(200);

    await devtools.send('Storage.overrideQuotaForOrigin', { origin });
    expect(await grow()).toBe(3);
    await page.evaluate(() => scenarios.inPage().close('own'));
    expect(await page.evaluate(() => scenarios.inPage().held('own'))).toEqual([0, 1, 2, 3]);
    expect(await download()).toHaveLength(200 - held.length);
    expect(await page.evaluate(() => scenarios.inWorker().held('copy'))).toHaveLength(200);
  });
}

testOnDisk('a crash at each write and flush', async ({ context }) => {
  test.setTimeout(180_000);
  const page = await tab(context);
  const { crashes, wrong } = await page.evaluate(() => scenarios.crashEverywhere({ count: 5, bytes: 500 }));
  expect(wrong).toEqual([]);
  expect(crashes).toBeGreaterThan(10);
});

testOnDisk('crashes at any moment, one after the other', async ({ context }) => {
  test.setTimeout(180_000);
  const page = await tab(context);
  const { rounds, wrong } = await page.evaluate(() => {
    const after = Array.from({ length: 12 }, (_, i) => (i * 7) % 31);
    return scenarios.crashAnyTime('feed', { count: 1000, bytes: 2000 }, after);
  });
  expect(wrong).toEqual([]);
  expect(rounds.at(-1)).toBeGreaterThan(0);
  await page.evaluate(() => scenarios.inWorker().download('feed', { count: 1000, bytes: 2000 }));
  expect(await page.evaluate(() => scenarios.inWorker().held('feed'))).toHaveLength(1000);
});

test.describe('a folder travels', () => {
  const audit = async (folder: string): Promise<unknown> => {
    const feed = await openHypercore({ folder });
    const found = await promise((done) => feed.audit(done));
    await promise<void>((done) => feed.close(done));
    return found;
  };

  test('from the browser to hypercore 7', async ({ context }, info) => {
    const page = await tab(context);
    await page.evaluate(() => scenarios.inWorker().download('copy', { count: 100, bytes: 300 }));
    await page.evaluate(() => scenarios.inPage().create('own'));
    await page.evaluate(() => scenarios.inPage().append('own', 'one', 'two', 'three'));
    await page.evaluate(() => scenarios.inPage().close('own'));
    for (const [name, blocks] of [
      ['copy', 100],
      ['own', 3],
    ] as const) {
      const folder = info.outputPath(name);
      await mkdir(folder, { recursive: true });
      const files = await page.evaluate((name) => scenarios.filesOf(name), name);
      for (const [file, bytes] of Object.entries(files))
        await writeFile(join(folder, file), Uint8Array.from(bytes));
      expect(await audit(folder)).toEqual({ valid: blocks, invalid: 0 });
    }
    const own = await openHypercore({ folder: info.outputPath('own') });
    expect(own.writable).toBe(true);
    await promise<void>((done) => own.close(done));
  });

  test('from hypercore 7 to the browser, and back', async ({ context }, info) => {
    const page = await tab(context);
    const folder = info.outputPath('theirs');
    const theirs = await openHypercore({ folder });
    await append(theirs, [Buffer.from('one'), Buffer.from('two')]);
    await promise<void>((done) => theirs.close(done));
    const files: Record<string, number[]> = {};
    for (const name of await readdir(folder)) files[name] = [...(await readFile(join(folder, name)))];
    await page.evaluate((files) => scenarios.putFiles('feed', files), files);
    expect(await page.evaluate(() => scenarios.inPage().open('feed'))).toBe(2);
    await page.evaluate(() => scenarios.inPage().append('feed', 'three'));
    expect(await page.evaluate(() => scenarios.inPage().words('feed'))).toEqual(['one', 'two', 'three']);
    await page.evaluate(() => scenarios.inPage().close('feed'));
    for (const [name, bytes] of Object.entries(await page.evaluate(() => scenarios.filesOf('feed')))) {
      await writeFile(join(folder, name), Uint8Array.from(bytes));
    }
    expect(await audit(folder)).toEqual({ valid: 3, invalid: 0 });
  });
});
