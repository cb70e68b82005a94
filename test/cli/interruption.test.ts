/** Ctrl-C and worse: nothing temporary stays, and nothing that was stored is lost. */
import { readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { noise, rawServer } from './peer.ts';
import { lastLine, share, start, workFolder } from './run.ts';

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
      timeout: 120_000,
    });
    sharing.child.kill('SIGINT');
    expect((await sharing.ended).code).toBe(130);
    expect(readdirSync(dir)).toEqual([]);
  });
});
