/** The command line with hypercore 7.7.1 at the other end, over TCP. */
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, connect as dialSocket, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { blocksOf } from '../interop/blocks.ts';
import { append, get, type Hypercore, openHypercore, promise, run as serve } from '../interop/hypercore.ts';
import { lastLine, run, share, workFolder } from './run.ts';

const work = workFolder();
const blocks = blocksOf(2000, 3000);
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Listens, and replicates with everyone who comes. */
async function listen(feed: Hypercore): Promise<string> {
  const server = createServer((socket) => void serve(socket, feed.replicate({ live: false })));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Every block is there and right, and every hash in the folder too. */
async function expectWhole(feed: Hypercore): Promise<void> {
  expect(feed.length).toBe(blocks.length);
  for (const [i, block] of blocks.entries()) expect(new Uint8Array(await get(feed, i))).toEqual(block);
  expect(await promise((done) => feed.audit(done))).toEqual({ valid: blocks.length, invalid: 0 });
}

it('syncs 2,000 blocks from hypercore into a folder that hypercore opens', { timeout: 120_000 }, async () => {
  const writer = await openHypercore();
  await append(writer, blocks);
  const folder = join(work, 'synced');
  const out = join(work, 'out');
  const key = writer.key.toString('hex');
  const ended = await run(work, 'sync', key, await listen(writer), '--dir', folder, '--out', out, '--json');
  expect(ended.code).toBe(0);
  expect(lastLine(ended)).toMatchObject({ event: 'done', length: 2000, downloaded: 2000 });
  expect(readFileSync(out).equals(Buffer.concat(blocks))).toBe(true);
  const opened = await openHypercore({ folder });
  await expectWhole(opened);
  await promise<void>((done) => opened.close(done));
});

it('shares a folder that hypercore wrote with hypercore', { timeout: 120_000 }, async () => {
  const folder = join(work, 'written');
  const writer = await openHypercore({ folder });
  await append(writer, blocks);
  await promise<void>((done) => writer.close(done));
  const { url, key, child, ended } = await share(work, folder);
  const reader = await openHypercore({ key: Buffer.from(key, 'hex') });
  const { hostname, port } = new URL(url);
  const socket = dialSocket(Number(port), hostname);
  const closed = serve(socket, reader.replicate({ live: false }));
  await promise((done) => reader.download({ start: 0, end: blocks.length }, done));
  await expectWhole(reader);
  // `share` is live, and so stays: with hypercore, the one that is not live has to hang up.
  socket.destroy();
  expect(await closed).toBeUndefined();
  child.kill('SIGINT');
  expect((await ended).code).toBe(130);
});
