/** Deno and Bun, with the package as it ships, sync a feed that hypercore 7.7.1 serves. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksOf } from '../interop/blocks.ts';
import { append, get, openHypercore, promise } from '../interop/hypercore.ts';
import { type Server, serveTcp, serveWebSocket } from '../interop/server.ts';
import { hex } from '../vectors/index.ts';
import { runtimes } from './runtimes.mjs';

const script = fileURLToPath(new URL('./sync.ts', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'hypercore-wire-runtimes-'));
const blocks = blocksOf(120, 3000);
const servers: Server[] = [];
let key: string;

beforeAll(async () => {
  const feed = await openHypercore();
  await append(feed, blocks);
  key = hex(feed.key);
  servers.push(await serveTcp(feed), await serveWebSocket(feed));
});

afterAll(() => {
  for (const server of servers) server.close();
  rmSync(work, { recursive: true, force: true });
});

describe.each(runtimes)('$name syncs byte for byte', ({ name, program, args }) => {
  async function sync(...words: string[]): Promise<void> {
    const { stdout } = await promisify(execFile)(program, [...args, script, ...words], {
      maxBuffer: 10_000_000,
    });
    expect(stdout.trimEnd().split('\n')).toEqual(blocks.map(hex));
  }

  it('over TCP, into memory', () => sync(key, servers[0]!.url));

  it('over its own WebSocket, into memory', () => sync(key, servers[1]!.url));

  it('into a folder that hypercore opens', async () => {
    const folder = join(work, name);
    await sync(key, servers[0]!.url, folder);
    const opened = await openHypercore({ folder });
    for (const [i, block] of blocks.entries()) expect(hex(await get(opened, i))).toBe(hex(block));
    expect(await promise((done) => opened.audit(done))).toEqual({ valid: blocks.length, invalid: 0 });
    await promise<void>((done) => opened.close(done));
  });
});
