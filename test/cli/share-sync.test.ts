import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { feedOf, noise, serve } from './peer.ts';
import { jsonLines, lastLine, run, share, start, workFolder } from './run.ts';

const BLOCK = 65_536;
const work = workFolder();
const content = noise(10 * BLOCK + 1234);
const file = join(work, 'file');
writeFileSync(file, content);
const at = (name: string): string => join(work, name);

describe('share and sync, a process each, over TCP', () => {
  it('a whole file: to --out, to --dir, and from --dir to the next', async () => {
    const first = await share(work, file, '--dir', at('shared'));
    expect(first.ready).toEqual({
      event: 'ready',
      key: expect.stringMatching(/^[0-9a-f]{64}$/),
      discoveryKey: expect.stringMatching(/^[0-9a-f]{64}$/),
      length: 11,
      byteLength: content.length,
      urls: [expect.stringMatching(/^tcp:\/\/127\.0\.0\.1:\d+$/)],
    });
    expect(statSync(at('shared/secret_key')).mode & 0o777).toBe(0o600);
    const synced = await run(
      work,
      ...['sync', first.key, first.url, '--dir', at('synced'), '--out', at('whole'), '--json'],
    );
    expect(synced).toMatchObject({ code: 0, stderr: '' });
    expect(lastLine(synced)).toEqual({
      event: 'done',
      length: 11,
      byteLength: content.length,
      downloaded: 11,
      bytes: content.length,
      seconds: expect.any(Number),
    });
    expect(readFileSync(at('whole')).equals(content)).toBe(true);
    expect(readdirSync(at('synced')).sort()).toEqual(['bitfield', 'data', 'key', 'signatures', 'tree']);
    expect(await first.line('disconnected')).toMatchObject({ blocks: 11, bytes: content.length });
    first.child.kill('SIGINT');
    expect((await first.ended).code).toBe(130);

    // A copy without the secret key is shared just the same, also to a dat:// link.
    const second = await share(work, at('synced'));
    expect(second.key).toBe(first.key);
    const again = await run(work, 'sync', `dat://${second.key}`, second.url, '--out', '-');
    expect(again.code).toBe(0);
    expect(again.stdout.equals(content)).toBe(true);
    expect(again.stderr).toMatch(/^Verified 11 blocks/);
  });

  it('--blocks takes a and not b, and sync goes on from what is there', async () => {
    const { key, url } = await share(work, file);
    const dir = at('sparse');
    const three = await run(work, 'sync', key, url, '--dir', dir, '--blocks', '3..6', '--out', '-', '--json');
    expect(three.stdout.equals(content.subarray(3 * BLOCK, 6 * BLOCK))).toBe(true);
    expect(jsonLines(three.stderr).at(-1)).toMatchObject({
      event: 'done',
      downloaded: 3,
      bytes: 3 * BLOCK,
      length: 11,
    });
    const all = await run(work, 'sync', key, url, '--dir', dir, '--out', at('resumed'), '--json');
    expect(lastLine(all)).toMatchObject({ event: 'done', downloaded: 8, length: 11 });
    expect(readFileSync(at('resumed')).equals(content)).toBe(true);
    // All of them are here: nobody needs to be there.
    const none = await run(
      work,
      ...['sync', key, 'tcp://127.0.0.1:1', '--dir', dir, '--blocks', '10..11', '--json'],
    );
    expect(lastLine(none)).toMatchObject({ event: 'done', downloaded: 0 });
  });

  it('speaks to people without --json', async () => {
    const shared = start(work, ['share', file]);
    const [key, url] = await new Promise<string[]>((resolve) => {
      let text = '';
      shared.child.stdout!.on('data', (chunk: Buffer) => {
        text += chunk;
        const command = /hypercore-wire sync ([0-9a-f]{64}) (tcp:\S+) --out <file>/.exec(text);
        if (command !== null) resolve(command.slice(1));
      });
    });
    expect(await run(work, 'sync', key!, url!, '--out', at('human'))).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(at('human')).equals(content)).toBe(true);
  });

  it('an empty file, and a file of exactly one block', async () => {
    for (const size of [0, BLOCK]) {
      writeFileSync(at('small'), content.subarray(0, size));
      const { key, url, ready } = await share(work, at('small'));
      expect(ready).toMatchObject({ length: size / BLOCK, byteLength: size });
      expect((await run(work, 'sync', key, url, '--out', at('small-out'))).code).toBe(0);
      expect(readFileSync(at('small-out')).length).toBe(size);
    }
  });

  it('--live follows what is appended, until Ctrl-C', async () => {
    const feed = await feedOf([noise(100, 'a'), noise(100, 'b')]);
    const url = await serve(feed);
    const key = Buffer.from(feed.key).toString('hex');
    const live = start(work, ['sync', key, url, '--dir', at('live'), '--live', '--json']);
    expect(await live.line('progress')).toMatchObject({ held: 2, wanted: 2 });
    await feed.append([noise(100, 'c')]);
    expect(await live.line('progress')).toMatchObject({ held: 3, wanted: 3, length: 3 });
    live.child.kill('SIGINT');
    const ended = await live.ended;
    expect(ended.code).toBe(130);
    expect(lastLine(ended)).toMatchObject({
      event: 'failed',
      downloaded: 3,
      bytes: 300,
      error: 'interrupted',
    });
  });

  it('goes on when the reader of its lines is gone, and says so when that of the bytes is', async () => {
    const shared = await share(work, file);
    shared.child.stdout!.destroy();
    expect((await run(work, 'sync', shared.key, shared.url, '--out', at('deaf'))).code).toBe(0);
    const cut = start(work, ['sync', shared.key, shared.url, '--out', '-']);
    cut.child.stdout!.destroy();
    expect(await cut.ended).toMatchObject({
      code: 1,
      stderr: 'hypercore-wire: stdout was closed before all was written\n',
    });
    expect((await run(work, 'sync', shared.key, shared.url, '--out', at('deaf'))).code).toBe(0);
  });

  it('tells its usage and its version', async () => {
    expect((await run(work, '--help')).stdout.toString()).toMatch(
      /hypercore-wire share(.|\n)*hypercore-wire sync/,
    );
    expect((await run(work, 'sync', '--help')).stdout.toString()).toMatch(/--blocks/);
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await run(work, '--version')).toMatchObject({ code: 0, stdout: Buffer.from(`${version}\n`) });
    expect(await run(work)).toMatchObject({ code: 2, stdout: Buffer.alloc(0) });
  });
});
