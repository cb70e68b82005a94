/** The how-tos whose result is a page, as a reader has them in front of them. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { project, removeProjects } from '../docs/project.ts';
import { text } from '../interop/blocks.ts';
import { serveFeed } from './served-feed.ts';
import { expect, test } from './test.ts';

/** `node feed.js`, and the query of the link that it prints. */
async function startFeed(): Promise<{ writer: ChildProcessWithoutNullStreams; query: string }> {
  const writer = spawn(process.execPath, ['feed.js'], {
    cwd: project('docs/how-to/web-app.md'),
    env: { ...process.env, PORT: '0' },
  });
  const link = (await createInterface(writer.stdout)[Symbol.asyncIterator]().next()).value;
  return { writer, query: new URL(link).search };
}

test.afterAll(removeProjects);

for (const name of ['web-app-first', 'web-app', 'worker']) {
  test(`${name}: what is typed into feed.js shows`, async ({ page }) => {
    const { writer, query } = await startFeed();
    try {
      writer.stdin.write('one\n');
      await page.goto(`how-to/${name}/index.html${query}`);
      await expect(page.getByRole('listitem')).toHaveText(['one']);
      writer.stdin.write('<b>two</b>\n');
      await expect(page.getByRole('listitem')).toHaveText(['one', '<b>two</b>']);
    } finally {
      writer.kill();
    }
  });
}

for (const name of ['web-app', 'worker']) {
  test(`${name}: the copy is kept, and the loss of the peer is told`, async ({ page }) => {
    const { writer, query } = await startFeed();
    writer.stdin.write('kept\n');
    await page.goto(`how-to/${name}/index.html${query}`);
    await expect(page.getByRole('listitem')).toHaveText(['kept']);
    writer.kill();
    await expect(page.getByRole('status')).toContainText(name === 'worker' ? 'cannot' : 'Trying again');
    await page.reload();
    await expect(page.getByRole('listitem')).toHaveText(['kept']);
  });
}

test('web-app: a feed of hypercore 7 shows, and without a link the page says what to do', async ({
  page,
}) => {
  const { key, url, close } = await serveFeed(['one', 'two'].map(text));
  await page.goto('how-to/web-app/index.html');
  await expect(page.getByRole('status')).toContainText('by the link that feed.js prints');
  await page.goto(`how-to/web-app/index.html?${new URLSearchParams({ key, url })}`);
  await expect(page.getByRole('listitem')).toHaveText(['one', 'two']);
  await close();
});
