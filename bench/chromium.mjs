/** Contenders as pages of Chromium, each in a renderer of its own. The native peers do not run there. */
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { findChromium, isRoot } from '../test/browser/chromium.mjs';

const HTML =
  '<!doctype html><meta charset="utf-8"><title>bench</title><script type="module" src="page.js"></script>';

/** Without `options.isQuick` the peers are there too. */
export async function openChromium(options) {
  // Only here, so that what runs in Node needs no browser.
  const { chromium } = await import('@playwright/test');
  const files = new Map([
    ['/', ['text/html', HTML]],
    ['/page.js', ['text/javascript', await bundle('page.mjs')]],
  ]);
  const server = createServer(async ({ url }, response) => {
    if (url === '/peers.js' && !files.has(url)) {
      files.set(url, ['text/javascript', await bundle('peers/as-installed/page.js')]);
    }
    const [type, body] = files.get(url) ?? [];
    if (body === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': type }).end(body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({
    executablePath: findChromium(),
    chromiumSandbox: !isRoot,
    args: ['--disable-gpu', '--no-first-run', '--disable-background-networking', '--js-flags=--expose-gc'],
  });
  return {
    name: `Chromium ${browser.version()}`,
    has: (row, name) => name === 'ours' || row.peers[name].set === 'as-installed',
    start: (row, name) => start(browser, `http://127.0.0.1:${server.address().port}/`, row, name, options),
    async close() {
      await browser.close();
      server.close();
    },
  };
}

async function start(browser, url, { work }, name, options) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.on('pageerror', (error) => console.error(`"${work}", ${name}:`, error));
  await page.goto(url);
  if (name !== 'ours') await page.addScriptTag({ url: 'peers.js' });
  await page.evaluate(([work, name, options]) => contender.start(work, name, options), [work, name, options]);
  return {
    sample: () => page.evaluate(() => contender.sample()),
    close: () => context.close(),
  };
}

async function bundle(entry) {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    write: false,
    platform: 'browser',
    format: entry.endsWith('.mjs') ? 'esm' : 'iife',
    target: 'es2022',
    logLevel: 'error',
    define: { global: 'globalThis' },
    // What a peer asks for in Node alone, and never uses here.
    external: ['fs', 'path', 'crypto', 'node:*'],
  });
  return outputFiles[0].text;
}
