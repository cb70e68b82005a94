/** What can be wrong with folders and files: exit code 1 or 2, one line, and nothing is damaged. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Feed, toHex } from '../../src/index.ts';
import { nodeStorage } from '../../src/storage/node.ts';
import { feedOf, noise, serve } from './peer.ts';
import { type Ended, lastLine, run, workFolder } from './run.ts';

const work = workFolder();
const at = (...names: string[]): string => join(work, ...names);
const file = at('file');
writeFileSync(file, noise(100_000));

/** Names, contents and times of all that is in a folder. */
function snapshot(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) {
    hash.update(`${name} ${statSync(join(folder, name)).mtimeMs} `).update(readFileSync(join(folder, name)));
  }
  return hash.digest('hex');
}

/** A folder with a feed of ours in it. */
async function feedFolder(name: string): Promise<{ folder: string; key: string }> {
  const folder = at(name);
  const feed = await Feed.create(nodeStorage(folder));
  await feed.append([noise(100), noise(200)]);
  await feed.close();
  return { folder, key: toHex(feed.key) };
}

function expectOneLine({ code, stderr }: Ended, exit: number, says: RegExp): void {
  expect(stderr).toMatch(/^hypercore-wire: [^\n]*\n$/);
  expect(stderr).toMatch(says);
  expect(code).toBe(exit);
}

const key = 'ab'.repeat(32);
const nobody = 'tcp://127.0.0.1:1';

describe('places that will not do', () => {
  it('share: what is not there, and a folder that is no feed', async () => {
    expectOneLine(await run(work, 'share', at('missing')), 1, /there is no file or folder .*missing/);
    expectOneLine(await run(work, 'share', at('file', 'below')), 1, /file.below/);
    mkdirSync(at('empty'));
    const empty = await run(work, 'share', at('empty'), '--json');
    expectOneLine(empty, 1, /empty holds no feed/);
    expect(lastLine(empty)).toMatchObject({ event: 'failed', error: expect.stringMatching(/no feed/) });
    expect(readdirSync(at('empty'))).toEqual([]);
    mkdirSync(at('photos'));
    writeFileSync(at('photos', 'one.jpg'), 'x');
    const before = snapshot(at('photos'));
    expectOneLine(await run(work, 'share', at('photos')), 1, /photos holds no feed/);
    expectOneLine(await run(work, 'share', file, '--dir', at('photos')), 1, /photos/);
    expectOneLine(await run(work, 'sync', key, nobody, '--dir', at('photos')), 1, /photos/);
    expect(snapshot(at('photos'))).toBe(before);
  });

  it('share: a --dir that holds a feed already, or goes with a folder', async () => {
    const { folder } = await feedFolder('taken');
    const before = snapshot(folder);
    expectOneLine(
      await run(work, 'share', file, '--dir', folder),
      1,
      /taken holds a feed already: share that folder/,
    );
    expectOneLine(await run(work, 'share', folder, '--dir', at('other')), 2, /leave --dir out/);
    expect(snapshot(folder)).toBe(before);
    expect(existsSync(at('other'))).toBe(false);
  });

  it('share: a port that is taken, and an address of another machine', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expectOneLine(await run(work, 'share', file, '--tcp', String(port)), 1, /port \d+ .* is in use/);
    server.close();
    expectOneLine(await run(work, 'share', file, '--host', '192.0.2.1'), 1, /192\.0\.2\.1 is not an address/);
  });

  it('sync: a folder of another feed stays as it is', async () => {
    const { folder } = await feedFolder('another');
    const before = snapshot(folder);
    const ended = await run(work, 'sync', key, nobody, '--dir', folder, '--json');
    expectOneLine(ended, 1, /another holds another feed.*check the key/);
    expect(lastLine(ended)).toMatchObject({ event: 'failed', downloaded: 0 });
    expect(snapshot(folder)).toBe(before);
  });

  it('sync and share: a folder that is in use', async () => {
    const { folder, key } = await feedFolder('busy');
    const feed = await Feed.open(nodeStorage(folder));
    const before = snapshot(folder);
    expectOneLine(await run(work, 'sync', key, nobody, '--dir', folder), 1, /busy is in use by process \d+/);
    expectOneLine(await run(work, 'share', folder), 1, /busy is in use by process \d+/);
    expect(snapshot(folder)).toBe(before);
    await feed.close();
  });

  it('sync: a folder that is foreign, or below a file', async () => {
    const { folder, key } = await feedFolder('foreign');
    writeFileSync(join(folder, 'tree'), 'this is no tree at all, and long enough to have a header');
    const before = snapshot(folder);
    expectOneLine(await run(work, 'sync', key, nobody, '--dir', folder), 1, /not .* hypercore 7 feed/);
    expectOneLine(await run(work, 'share', folder), 1, /not .* hypercore 7 feed/);
    expect(snapshot(folder)).toBe(before);
    const feed = await feedOf([noise(10)]);
    const url = await serve(feed);
    expectOneLine(
      await run(work, 'sync', toHex(feed.key), url, '--dir', at('file', 'below')),
      1,
      /file.below/,
    );
    expect(statSync(file).size).toBe(100_000);
  });

  it('sync: an --out that cannot be written is said before anything is downloaded', async () => {
    const dir = at('not-begun');
    for (const [out, says] of [
      [at('no', 'such', 'folder'), /there is no folder .*such: create it/],
      [at('file', 'below'), /file.below/],
      [work, /is a folder: name a file/],
    ] as const) {
      expectOneLine(await run(work, 'sync', key, nobody, '--out', out, '--dir', dir), 1, says);
    }
    expect(existsSync(dir)).toBe(false);
    const { folder, key: own } = await feedFolder('self');
    const before = snapshot(folder);
    expectOneLine(
      await run(work, 'sync', own, nobody, '--dir', folder, '--out', join(folder, 'data')),
      2,
      /one of the files of the feed/,
    );
    expect(snapshot(folder)).toBe(before);
  });

  it.runIf(existsSync('/dev/full'))('sync: a full disk under --out', async () => {
    const feed = await feedOf([noise(100)]);
    const ended = await run(work, 'sync', toHex(feed.key), await serve(feed), '--out', '/dev/full');
    expectOneLine(ended, 1, /Disk full/);
    expect(existsSync('/dev/full')).toBe(true);
  });

  it('a usage error with --json has a last line too', async () => {
    const ended = await run(work, 'sync', 'nonsense', nobody, '--dir', at('x'), '--json');
    expectOneLine(ended, 2, /64 hex/);
    expect(lastLine(ended)).toEqual({
      event: 'failed',
      length: 0,
      byteLength: 0,
      downloaded: 0,
      bytes: 0,
      seconds: 0,
      error: expect.stringMatching(/64 hex/),
    });
  });
});
