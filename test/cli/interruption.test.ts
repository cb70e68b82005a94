/** Ctrl-C and worse: nothing temporary stays, and nothing that was stored is lost. */
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Feed, toHex } from '../../src/index.ts';
import { nodeStorage } from '../../src/storage/node.ts';
import { feedOf, noise, rawServer, serve } from './peer.ts';
import { lastLine, run, share, start, workFolder } from './run.ts';

const work = workFolder();
const at = (...names: string[]): string => join(work, ...names);

describe('a command that is interrupted', () => {
  it('share: 130, and the temporary feed is gone', async () => {
    writeFileSync(at('file'), noise(100_000));
    const shared = await share(work, at('file'));
    expect(shared.temporary().length).toBe(1);
    shared.child.kill('SIGINT');
    expect(await shared.ended).toMatchObject({ code: 130, stderr: '' });
    expect(shared.temporary()).toEqual([]);
  });

  it('sync: 130, also while a peer is silent, and neither a half --out nor a temporary feed stays', async () => {
    // Dialing has begun once the server has a connection.
    let dialed!: () => void;
    const connection = new Promise<void>((resolve) => (dialed = resolve));
    const url = await rawServer(() => dialed());
    const names = readdirSync(work);
    const words = ['sync', 'ab'.repeat(32), url, '--out', at('never'), '--json'];
    const syncing = start(work, words);
    await connection;
    expect(syncing.temporary().length).toBe(1);
    syncing.child.kill('SIGINT');
    const ended = await syncing.ended;
    expect(ended).toMatchObject({ code: 130, stderr: '' });
    expect(lastLine(ended)).toMatchObject({ event: 'failed', error: 'interrupted' });
    expect(syncing.temporary()).toEqual([]);
    expect(readdirSync(work).filter((name) => !names.includes(name) && !name.startsWith('tmp-'))).toEqual([]);
  });

  it('share: a file that is not wholly imported leaves no half of a feed', async () => {
    const dir = at('half');
    // Takes no room, and minutes to import.
    writeFileSync(at('large'), '');
    truncateSync(at('large'), 20_000_000_000);
    const sharing = start(work, ['share', at('large'), '--dir', dir]);
    await vi.waitFor(() => expect(statSync(at('half', 'data')).size).toBeGreaterThan(1_000_000), {
      timeout: 20_000,
    });
    sharing.child.kill('SIGINT');
    expect((await sharing.ended).code).toBe(130);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('sync: after kill -9 the next one goes on, and downloads no stored block again', async () => {
    const blocks = Array.from({ length: 3000 }, (_, i) => noise(8000 + (i % 100), `${i}`));
    const feed = await feedOf(blocks);
    const url = await serve(feed);
    const words = ['sync', toHex(feed.key), url, '--dir', at('killed'), '--json'];
    const first = start(work, words);
    const reported = (await first.line('progress')).held as number;
    first.child.kill('SIGKILL');
    await first.ended;
    const copy = await Feed.open(nodeStorage(at('killed')));
    const held = copy.count();
    await copy.close();
    expect(held).toBeGreaterThanOrEqual(reported);
    expect(held).toBeLessThan(blocks.length);
    const second = await run(work, ...words, '--out', at('after'));
    expect(second.code).toBe(0);
    expect(lastLine(second)).toMatchObject({ event: 'done', downloaded: blocks.length - held });
    expect(readFileSync(at('after')).equals(Buffer.concat(blocks))).toBe(true);
  });
});
