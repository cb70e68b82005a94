/** The examples, as a person opens them. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { text } from '../interop/blocks.ts';
import { append } from '../interop/hypercore.ts';
import { serveFeed } from './served-feed.ts';
import { expect, test } from './test.ts';

/** A page's address, with what its form asks for. */
const opened = (example: string, { key, url }: { key: string; url: string }): string =>
  `examples/${example}/index.html?${new URLSearchParams({ key, url })}`;

test('a live feed of hypercore 7 shows, and what is appended to it', async ({ page }) => {
  const served = await serveFeed(['one', 'two'].map(text));
  await page.goto(opened('live-feed', served));
  await expect(page.getByRole('listitem')).toHaveText([/two/, /one/]);
  await append(served.feed, [text('three')]);
  await expect(page.getByRole('listitem')).toHaveText([/three/, /two/, /one/]);
  await expect(page.getByRole('status')).toContainText('Live');
  await served.close();
  await expect(page.getByRole('status')).toContainText('Trying again');
});

test('a live feed stays, and a tab that cannot have its files shows it too', async ({ page, context }) => {
  const served = await serveFeed(['one', 'two'].map(text));
  await page.goto(opened('live-feed', served));
  await expect(page.getByRole('listitem')).toHaveText([/two/, /one/]);
  const second = await context.newPage();
  await second.goto(opened('live-feed', served));
  // It waits 5 s for the files.
  await expect(second.getByRole('listitem')).toHaveText([/two/, /one/], { timeout: 60_000 });
  await second.close();
  await served.close();
  await page.reload();
  await expect(page.getByRole('listitem')).toHaveText([/two/, /one/]);
});

test('a live feed shows what is typed into its script', async ({ page }, info) => {
  const script = fileURLToPath(new URL('../../examples/live-feed/feed.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, info.outputPath('feed')], {
    env: { ...process.env, PORT: '0' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [link] = (await createInterface(child.stdout)[Symbol.asyncIterator]().next()).value.split('\n');
  await page.goto(`examples/live-feed/index.html${new URL(link).search}`);
  child.stdin.write('typed\n');
  await expect(page.getByRole('listitem')).toHaveText([/typed/]);
  child.kill();
});

test('a worker replicates, and gives the page what it looks at', async ({ page, served }) => {
  await page.goto(opened('worker', served));
  await expect(page.getByRole('status')).toContainText(`has ${served.length} blocks`);
  await page.getByTitle('Block 7', { exact: true }).click();
  await expect(page.locator('pre')).toContainText('Block 7, ');
});

test('two tabs share a feed over WebRTC', async ({ page, context }) => {
  await page.goto('examples/two-tabs/index.html');
  const write = async (line: string): Promise<void> => {
    await page.getByRole('textbox').fill(line);
    await page.getByRole('button').click();
  };
  await write('before');
  const [second] = await Promise.all([context.waitForEvent('page'), page.getByRole('link').click()]);
  await expect(second.getByRole('status')).toContainText('Connected');
  await expect(second.getByRole('listitem')).toHaveText(['before']);
  await write('after');
  for (const tab of [page, second]) {
    await expect(tab.getByRole('listitem')).toHaveText(['before', 'after']);
  }
});

test('two tabs share one connection through a shared worker', async ({ context, page }) => {
  const served = await serveFeed([text('one')]);
  const tabs = [page, await context.newPage()];
  for (const tab of tabs) await tab.goto(opened('shared-worker', served));
  await append(served.feed, [text('two')]);
  for (const tab of tabs) await expect(tab.getByRole('listitem')).toHaveText([/two/, /one/]);
  expect(served.connected()).toBe(1);
  await served.close();
});
