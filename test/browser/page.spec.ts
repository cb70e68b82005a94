/** The demo's page, as `npm start` serves it and a person uses it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Locator, Page } from '@playwright/test';
import { test as base, expect } from './test.ts';

const program = fileURLToPath(new URL('../../dist/cli/demo.js', import.meta.url));

/** `npm start` without the build, and what the browser complained about. */
const test = base.extend<{ complaints: string[] }, { demo: string }>({
  demo: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the parameter's names
    async ({}, use) => {
      const folder = mkdtempSync(join(tmpdir(), 'hypercore-wire-page-'));
      const child = spawn(process.execPath, [program], {
        env: { ...process.env, TMPDIR: folder },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await use(await address(child));
      child.kill('SIGINT');
      await once(child, 'exit');
      rmSync(folder, { recursive: true });
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  complaints: [
    async ({ context }, use) => {
      const complaints: string[] = [];
      context.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
      });
      await use(complaints);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

function address({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    stdout!.on('data', (chunk) => {
      said += chunk;
      const [url] = /http:\/\/127\.0\.0\.1:\d+\//.exec(said) ?? [];
      if (url !== undefined && said.includes('until Ctrl-C')) resolve(url);
    });
  });
}

const panel = (page: Page): Locator => page.getByRole('tabpanel');
const arrows = (page: Page, name: string | RegExp): Locator =>
  panel(page).getByLabel('Messages, in order').getByRole('button', { name });
const status = (page: Page): Locator => panel(page).locator('.controls .status');
const click = (page: Page, name: string): Promise<void> => panel(page).getByRole('button', { name }).click();
const holds = (page: Page, text: string): Promise<void> =>
  expect(panel(page).locator('.bitfield figcaption')).toHaveText(text, { timeout: 60_000 });
/** A field of the arrow that is open. */
const field = (page: Page, name: string): Locator =>
  panel(page)
    .locator('.fields button')
    .filter({ has: page.getByText(name, { exact: true }) });
const pause = (page: Page, ms: number): Promise<void> =>
  panel(page).getByLabel('Pause before each message').fill(String(ms));

/** The page with all of its first feed copied. */
async function opened(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await pause(page, 0);
  await holds(page, '8 of 8 blocks verified and stored.');
}

test('a feed is synced, and an arrow opens to its bytes', async ({ page, demo }) => {
  await opened(page, demo);
  await expect(panel(page).getByLabel('Stored blocks').getByRole('listitem')).toHaveCount(8);
  await expect(
    panel(page).getByRole('img', { name: /Merkle tree over 8 blocks: 15 hashes held/ }),
  ).toBeVisible();

  await arrows(page, /Writer to Reader: Data block 3\b/).click();
  await expect(field(page, 'value')).toContainText('two parents into theirs');
  await expect(field(page, 'signature')).toContainText(/[0-9a-f]{128}/);
  const [cipher, plain] = await panel(page).locator('.hex').allTextContents();
  expect(cipher).toHaveLength(plain!.length);
  expect(cipher).not.toBe(plain);
  // "two parents", in hex.
  expect(plain).toContain('74776f20706172656e7473');
  // A byte and its field light up together.
  await field(page, 'header').hover();
  await expect(panel(page).locator('.hex .lit')).toHaveText([cipher!.slice(4, 6), '09']);
  // What the message brings, in the tree.
  await expect(panel(page).locator('.tree .brought')).toHaveCount(4);
  await arrows(page, /Data block 3\b/).click();
  await expect(panel(page).locator('.hex')).toHaveCount(0);

  await arrows(page, /Writer to Reader: Feed/).click();
  await expect(panel(page).locator('.hex')).toHaveCount(1);
  await expect(field(page, 'discoveryKey')).toBeVisible();
});

test('a bit that is flipped is refused, and what was refused comes whole the next time', async ({
  page,
  demo,
}) => {
  await opened(page, demo);
  await expect(panel(page).getByRole('button', { name: 'Flip a bit' })).toHaveAccessibleDescription(
    'The reader has all blocks: to flip a bit, another one is appended.',
  );
  await click(page, 'Flip a bit in the next block');
  await expect(status(page)).toContainText('[verification]');
  await expect(status(page)).toContainText('Block 8 is not proven');
  await expect(panel(page).locator('.note.bad').last()).toContainText('Block 8 is not proven');
  await holds(page, '8 of 8 blocks verified and stored. Refused: block 8.');
  await arrows(page, /Data block 8\b.* damaged/)
    .last()
    .click();
  await expect(panel(page).locator('.flip-note')).toContainText(/left as \w\w and arrived as \w\w/);
  await expect(panel(page).locator('.hex .flipped')).toHaveCount(2);
  await click(page, 'Connect again');
  await holds(page, '9 of 9 blocks verified and stored.');
});

test('a link that is cut is resumed, with what was appended meanwhile', async ({ page, demo }) => {
  await page.goto(demo);
  await pause(page, 1000);
  await expect(panel(page).locator('.cells .here')).not.toHaveCount(0);
  await click(page, 'Cut the link');
  await expect(status(page)).toContainText('You cut the link');
  const held = await panel(page).locator('.cells .here').count();
  expect(held).toBeLessThan(8);
  await panel(page).getByLabel('What', { exact: true }).fill('written meanwhile');
  await click(page, 'Append it as a block');
  await pause(page, 0);
  await click(page, 'Connect again');
  await holds(page, '9 of 9 blocks verified and stored.');
  await expect(panel(page).getByLabel('Stored blocks')).toContainText('written meanwhile');
  // Nothing that was there came again.
  const came = await arrows(page, /Writer to Reader: Data/).allTextContents();
  expect(new Set(came.map((text) => /block \d+/.exec(text)![0])).size).toBe(9);
});

test('what is just said is heard, and not stored', async ({ page, demo }) => {
  await opened(page, demo);
  await panel(page).getByLabel('What', { exact: true }).fill('<b>only now</b>');
  await click(page, 'Just say it');
  await expect(panel(page).getByLabel('Ephemeral messages')).toContainText('Writer says <b>only now</b>');
  await expect(arrows(page, /Writer to Reader: ephemeral "<b>only now<\/b>"/)).toHaveCount(1);
  await panel(page).getByLabel('Who').selectOption('the reader');
  await expect(panel(page).getByRole('button', { name: 'Append it as a block' })).toBeDisabled();
  await click(page, 'Just say it');
  await expect(panel(page).getByLabel('Ephemeral messages')).toContainText('The reader says');
  await holds(page, '8 of 8 blocks verified and stored.');
  await click(page, 'Cut the link');
  await click(page, 'Just say it');
  await expect(status(page)).toContainText('Nobody hears it');
});

test('without the cipher the wire says what it says', async ({ page, demo }) => {
  await opened(page, demo);
  await panel(page).getByLabel('Encipher the connection').uncheck();
  await holds(page, '8 of 8 blocks verified and stored.');
  await arrows(page, /Writer to Reader: Data block 0\b/).click();
  await expect(panel(page).locator('.panes figcaption')).toHaveText(['Not enciphered: on the wire as it is']);
});

test('the feed that npm start shares is synced over WebSocket', async ({ page, demo }) => {
  test.setTimeout(180_000);
  await page.goto(demo);
  await page.getByRole('tab', { name: 'The shared feed' }).click();
  await pause(page, 0);
  const again = panel(page).getByRole('button', { name: 'Connect again' });
  await expect(async () => {
    // On a busy machine a side may be taken for dead, as a person would see too.
    if (await again.isVisible()) await again.click();
    await expect(panel(page).locator('.bitfield figcaption')).toHaveText(
      '200 of 200 blocks verified and stored.',
      { timeout: 5000 },
    );
  }).toPass({ timeout: 120_000 });
  await expect(panel(page).getByLabel('Stored blocks')).toContainText('Block 198');
  // Some hundred arrows at a time, and the others are to be had.
  const rows = panel(page).locator('.arrows > li');
  expect(await rows.count()).toBeLessThanOrEqual(200);
  await click(page, 'earlier messages are folded');
  await click(page, 'earlier messages are folded');
  await click(page, 'earlier messages are folded');
  expect(await rows.count()).toBeLessThanOrEqual(200);
  await expect(arrows(page, /npm start to Reader: Feed/)).toBeVisible();
  await click(page, 'later messages are folded');
  await expect(arrows(page, /Data block 198/).last()).toBeVisible();
  await click(page, 'Start over');
  await expect(panel(page).locator('.cells .here')).not.toHaveCount(200);
});

test('a capture is saved, dropped, and read', async ({ page, demo }) => {
  await opened(page, demo);
  const download = page.waitForEvent('download');
  await click(page, 'Save as a capture');
  const capture = readFileSync(await (await download).path(), 'utf8');
  expect(capture).toMatch(/^\{"capture":"hypercore-wire"/);
  const key = /[0-9a-f]{64}/.exec(await status(page).innerText())![0];

  const drop = async (): Promise<void> => {
    const transfer = await page.evaluateHandle((text) => {
      const made = new DataTransfer();
      made.items.add(new File([text], 'conversation.capture.jsonl'));
      return made;
    }, capture);
    await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
  };
  await drop();
  await expect(page.getByRole('tab', { name: 'A capture' })).toHaveAttribute('aria-selected', 'true');
  await expect(arrows(page, /Out to In: Data block/)).toHaveCount(8);
  await expect(panel(page).getByLabel('Sums')).toContainText('8 blocks');
  await arrows(page, /Out to In: Data block 3\b/).click();
  await expect(panel(page).getByLabel('Fields')).toContainText('two parents into theirs');

  // A page that has not seen the feed needs its key.
  await page.reload();
  await page.getByRole('tab', { name: 'A capture' }).click();
  await panel(page)
    .getByLabel('Drop a file')
    .setInputFiles({ name: 'capture.jsonl', mimeType: 'application/jsonl', buffer: Buffer.from(capture) });
  const keyField = panel(page).getByLabel('Key of its feed');
  await expect(keyField).toHaveAccessibleDescription(/key is missing.*share prints it.*[0-9a-f]{64}/);
  await expect(panel(page).locator('.note').last()).toHaveText(
    /^Enciphered: \d+ bytes of Out, \d+ bytes of In/,
  );
  await expect(panel(page).locator('.bad')).toHaveCount(0);
  await expect(arrows(page, /./)).toHaveCount(2);
  await keyField.fill('00'.repeat(32));
  await keyField.press('Enter');
  await expect(keyField).toHaveAccessibleDescription(/^This is not the key of its feed/);
  await keyField.fill(key);
  await keyField.press('Enter');
  await expect(arrows(page, /Out to In: Data block/)).toHaveCount(8);
  await expect(keyField).toHaveAccessibleDescription('');
  // What is no capture says so, and nothing breaks.
  await panel(page)
    .getByLabel('Drop a file')
    .setInputFiles({ name: 'photo.jpg', mimeType: 'image/jpeg', buffer: Buffer.alloc(100_000, 0x6a) });
  await expect(panel(page).locator('.note.bad').first()).toBeVisible();

  // Of thousands of messages some hundred are in the page.
  const feed = Buffer.concat([Buffer.from('23000a20', 'hex'), Buffer.alloc(32, 7)]);
  const haves = Array.from({ length: 6000 }, () => Buffer.from('03030801', 'hex'));
  await panel(page)
    .getByLabel('Drop a file')
    .setInputFiles({ name: 'long.bin', mimeType: '', buffer: Buffer.concat([feed, ...haves]) });
  await expect(arrows(page, /Out to In: Have block 1/).last()).toBeVisible();
  await expect(panel(page).getByLabel('Sums')).toContainText('Out: 6001 messages');
  await expect(
    panel(page).getByRole('button', { name: /^5[0-9]{3} earlier messages are folded/ }),
  ).toBeVisible();
  expect(await panel(page).locator('.arrows > li').count()).toBeLessThanOrEqual(200);
});

test('with the keyboard alone', async ({ page, demo }) => {
  await opened(page, demo);
  const focused = (): Locator => page.locator(':focus');
  const stops: string[] = [];
  await page.locator('#theme').focus();
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press('Tab');
    const name = await focused().evaluate((one) => {
      const label = one.closest('label')?.textContent;
      return (one.getAttribute('aria-label') ?? label ?? one.textContent ?? '').trim();
    });
    stops.push(name);
    if (name === 'Just say it') break;
  }
  expect(stops).toEqual([
    'Two peers here',
    'Cut the link',
    'Flip a bit in the next block',
    expect.stringMatching(/^Pause before each message/),
    'Encipher the connection',
    'Start over',
    'Save as a capture',
    expect.stringMatching(/^Keepalives/),
    expect.stringMatching(/Feed/),
    'Stored blocks',
    'Ephemeral messages',
    expect.stringMatching(/^Who/),
    expect.stringMatching(/^What/),
    'Append it as a block',
    'Just say it',
  ]);

  // From arrow to arrow, open, into the fields, and back.
  await arrows(page, /./).first().focus();
  await page.keyboard.press('ArrowDown');
  await expect(focused()).toContainText('Handshake');
  await page.keyboard.press('Enter');
  await expect(focused()).toHaveAttribute('aria-expanded', 'true');
  await page.keyboard.press('Tab');
  await expect(focused()).toContainText('length');
  await expect(panel(page).locator('.hex .lit')).toHaveCount(2);
  await page.keyboard.press('Escape');
  await expect(focused()).toContainText('Handshake');
  await expect(focused()).toHaveAttribute('aria-expanded', 'false');
  await page.keyboard.press('End');
  await expect(focused()).toContainText(/Data/);

  await page.getByRole('tab', { selected: true }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('tab', { name: 'The shared feed' })).toBeFocused();
  await expect(status(page)).toHaveText('Connected.');
});

test('all that can be used has a name, and all that changes is told', async ({ page, demo }) => {
  await opened(page, demo);
  await arrows(page, /Data block 3\b/).click();
  const nameless = await page.evaluate(() => {
    const nameOf = (one: Element): string => {
      const labels = [...((one as HTMLInputElement).labels ?? [])].map(({ textContent }) => textContent);
      const named = one.getAttribute('aria-labelledby');
      const by = named === null ? '' : document.getElementById(named)?.textContent;
      return `${one.getAttribute('aria-label') ?? ''}${by}${labels.join('')}${one.matches('button, a') ? one.textContent : ''}`.trim();
    };
    const all = document.querySelectorAll('button, a[href], input, select, [role], [tabindex="0"], section');
    const silent = '[role=status], [role=log]';
    return [...all].filter((one) => !one.matches(silent) && nameOf(one) === '').map((one) => one.outerHTML);
  });
  expect(nameless).toEqual([]);
  const ids = await page.evaluate(() => [...document.querySelectorAll('[id]')].map(({ id }) => id));
  expect(new Set(ids).size).toBe(ids.length);
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
  await expect(status(page)).toHaveRole('status');
  await expect(status(page)).toHaveText('Connected.');
  await expect(panel(page).getByRole('log')).toContainText(/Reader|Writer/);
});

test('in light and in dark it can be read, and the choice stays', async ({ page, demo }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await opened(page, demo);
  await arrows(page, /Data block 3\b/).click();
  const faint = (): Promise<string[]> => page.evaluate(contrastBelow, 4.5);
  expect(await faint()).toEqual([]);
  await page.getByRole('button', { name: 'Change to light colours' }).click();
  const back = (): Promise<string> =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await back();
  expect(await faint()).toEqual([]);
  await page.reload();
  expect(await back()).toBe(light);
});

/** Texts whose colour is too near to what is behind them (WCAG 1.4.3). */
function contrastBelow(least: number): string[] {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
  /** Over one another, the last on top. */
  const mixed = (colours: readonly string[]): number[] => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const luminance = (rgb: readonly number[]): number => {
    const [r, g, b] = rgb.map((value) =>
      value <= 10 ? value / 3295 : ((value / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const isText = (one: Element): boolean =>
    one.checkVisibility() &&
    [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent!.trim() !== '');
  return [...document.querySelectorAll('body *')].filter(isText).flatMap((one) => {
    if (one.closest('[disabled], svg, noscript')) return [];
    const behind: string[] = [];
    for (let at: Element | null = one; at !== null; at = at.parentElement)
      behind.unshift(getComputedStyle(at).backgroundColor);
    const [text, back] = [mixed([...behind, getComputedStyle(one).color]), mixed(behind)].map(luminance) as [
      number,
      number,
    ];
    const ratio = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
    return ratio < least ? [`${ratio.toFixed(2)} ${one.className} ${one.textContent!.slice(0, 30)}`] : [];
  });
}

test('a narrow screen needs no scrolling to the side', async ({ page, demo }) => {
  await page.setViewportSize({ width: 360, height: 700 });
  await opened(page, demo);
  await arrows(page, /Data block 3\b/).click();
  for (const name of ['Two peers here', 'The shared feed', 'A capture']) {
    await page.getByRole('tab', { name }).click();
    const wide = await page.evaluate(() =>
      [...document.querySelectorAll('body *')]
        .filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > innerWidth + 1)
        .filter((one) => !one.matches('.unseen, .unseen *'))
        .map((one) => `${one.tagName}.${one.className}`),
    );
    expect(wide, name).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  }
  // What is open scrolls with the page alone, and what is closed is in sight again.
  await page.getByRole('tab', { name: 'Two peers here' }).click();
  const row = arrows(page, /Data block 3\b/);
  const boxes = await panel(page)
    .locator('.bytes')
    .evaluate((bytes) => {
      const around: Element[] = [];
      for (let at = bytes.parentElement; at !== null; at = at.parentElement) around.push(at);
      return [...around, ...bytes.querySelectorAll('*')]
        .filter((one) => one.scrollHeight > one.clientHeight && getComputedStyle(one).overflowY !== 'visible')
        .map(({ className }) => className);
    });
  expect(boxes).toEqual([]);
  await row.click();
  await expect(row).toBeInViewport();
  // Who they are is said in one line.
  const about = panel(page).locator('.side span').first();
  expect(
    await about.evaluate((one) => one.clientHeight / Number.parseFloat(getComputedStyle(one).fontSize)),
  ).toBeLessThan(2);
});

test('the server gives its own files, to this machine only', async ({ page, demo }) => {
  /** As they are: a browser, and `fetch`, would tidy the path first. */
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }>(
      (resolve, reject) => {
        const { hostname, port } = new URL(demo);
        request({ hostname, port, path, method, headers }, (response) => {
          let body = '';
          response.on('data', (chunk) => (body += chunk));
          response.on('end', () =>
            resolve({ status: response.statusCode!, headers: response.headers, body }),
          );
        })
          .on('error', reject)
          .end();
      },
    );
  for (const path of [
    '/../../package.json',
    '/..%2f..%2fpackage.json',
    '/assets/../../index.html',
    '//etc/passwd',
    '/assets',
  ]) {
    expect((await get(path)).status, path).toBe(404);
  }
  expect((await get('/', { host: 'evil.example' })).status).toBe(403);
  expect((await get('/', {}, 'POST')).status).toBe(405);
  expect((await get('/', {}, 'HEAD')).body).toBe('');
  const { headers, body } = await get('/?query');
  expect(body).toContain('<h1>');
  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'|\*/);

  const asked: string[] = [];
  page.on('request', (one) => asked.push(one.url()));
  await opened(page, demo);
  expect(asked.filter((url) => !url.startsWith(demo) && !url.startsWith('data:'))).toEqual([]);
});
