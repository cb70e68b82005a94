import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, hexBlocks, test } from './test.ts';

/** A way to the WebSocket of `url` on which, the first time, no more than `bytes` come back. */
async function narrow(url: string, bytes: number): Promise<{ url: string; close(): void }> {
  let connections = 0;
  const server = createServer((page) => {
    let left = connections++ === 0 ? bytes : Number.POSITIVE_INFINITY;
    const peer = connect(Number(new URL(url).port), '127.0.0.1');
    page.on('error', () => {}).on('close', () => peer.destroy());
    peer.on('error', () => {}).on('close', () => page.destroy());
    page.pipe(peer);
    peer.on('data', (chunk) => {
      page.write(chunk.subarray(0, left));
      left -= Math.min(left, chunk.byteLength);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => void server.close(),
  };
}

test('a page that is reloaded while it syncs goes on where it was', async ({ page, served }) => {
  const total = hexBlocks.join('').length / 2;
  const { url, close } = await narrow(served.url, total / 2);
  const wanted = { ...served, url };
  await page.goto('index.html');
  await page.evaluate((wanted) => scenarios.goOn(wanted), wanted);
  const progress = () => page.evaluate(() => scenarios.progressSoFar());
  await expect.poll(async () => (await progress()).downloaded).toBeGreaterThan(20);
  const before = await progress();
  expect(before.found).toBe(0);
  expect(before.downloaded).toBeLessThan(served.length);

  await page.reload();
  await page.evaluate((wanted) => scenarios.goOn(wanted), wanted);
  expect(await page.evaluate((length) => scenarios.all(length), served.length)).toEqual(hexBlocks);
  const { found, downloaded } = await progress();
  expect(found).toBeGreaterThanOrEqual(before.downloaded);
  expect(found + downloaded).toBe(served.length);
  close();
});
