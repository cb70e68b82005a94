/** The example: two tabs and a Node peer in one room. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { expect, test } from './test.ts';

const program = fileURLToPath(new URL('../../examples/room/peer.mjs', import.meta.url));

/** The peer, its lines so far, and what its link asks for. */
async function startPeer(): Promise<{ child: ChildProcess; lines: string[]; query: string }> {
  const child = spawn(process.execPath, [program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PORT: '0' },
  });
  const lines: string[] = [];
  const reader = createInterface(child.stdout!).on('line', (line) => void lines.push(line));
  await once(reader, 'line');
  return { child, lines, query: lines[0]!.replace(/^.*\?/, '') };
}

const here = (page: Page) => page.getByLabel('Who is here').getByRole('listitem');
const said = (page: Page) => page.getByLabel('What was said').getByRole('listitem');

test('two tabs and a Node peer see each other, point, and talk', async ({ context }) => {
  const { child, lines, query } = await startPeer();
  try {
    const enter = async (name: string): Promise<Page> => {
      const page = await context.newPage();
      await page.goto(`examples/room/index.html?${query}`);
      await page.getByLabel('Your name').fill(name);
      return page;
    };
    const ann = await enter('ann');
    const bob = await enter('bob');
    await expect(here(ann)).toHaveText(['ann (you)', "the server (the feed's author)", 'bob']);
    await expect(here(bob)).toHaveText(['bob (you)', "the server (the feed's author)", 'ann']);

    const board = ann.locator('#board');
    const { x, y, width, height } = (await board.boundingBox())!;
    await ann.mouse.move(x + width / 4, y + height / 2);
    await expect(bob.locator('#board i')).toHaveText('ann');
    await expect(bob.locator('#board i')).toHaveAttribute('style', /left: 2[45]\b/);
    await ann.mouse.move(x - 10, y - 10);
    await expect(bob.locator('#board i')).toHaveCount(0);

    await ann.getByLabel('Say something').fill('hello, all');
    await ann.getByRole('button').click();
    await expect(said(bob)).toHaveText(['ann hello, all']);
    child.stdin!.write('hello from Node\n');
    await expect(said(bob)).toHaveText(['ann hello, all', 'the server hello from Node']);
    await expect.poll(() => lines).toContain('ann: hello, all');

    // A page that is closed is gone at once, long before it would be missed.
    await bob.goto('about:blank');
    await expect(here(ann)).toHaveText(['ann (you)', "the server (the feed's author)"], { timeout: 5000 });
    expect(lines).toContain('bob has left');
  } finally {
    child.kill();
  }
});
