import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { takeLock } from '../../src/storage/node/lock.ts';
import { thisProcess } from '../../src/storage/node/process.ts';
import { nodeStorage } from '../../src/storage/node.ts';
import { bundleHolder, type HolderProcess, startHolder } from './processes.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lock-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** More than Linux gives out. */
const NOBODY = 2 ** 30;

describe('takeLock', () => {
  const leave = (name: string, holder: object) => writeFile(join(folder, name), JSON.stringify(holder));

  test('holds, and leaves nothing once released', async () => {
    const lock = await takeLock(folder);
    expect(await readdir(folder)).toEqual(['lock']);
    await expect(takeLock(folder)).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining(`${folder} is in use by this process`),
    });
    expect(await readdir(folder)).toEqual(['lock']);
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
    await (await takeLock(folder)).release();
  });

  test('takes over from a process that is gone', async () => {
    await leave('lock', { pid: NOBODY, token: 'a' });
    const lock = await takeLock(folder);
    expect(await readdir(folder)).toEqual(['lock']);
    expect(JSON.parse(await readFile(join(folder, 'lock'), 'utf8')).pid).toBe(process.pid);
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
  });

  test('takes over from a taker that was killed before it was done', async () => {
    await leave('lock', { pid: NOBODY, token: 'a' });
    await leave('lock.a', { pid: NOBODY, token: 'b' });
    await leave('lock.b.new', { pid: NOBODY, token: 'b' });
    await leave('lock.gone', { pid: process.pid, token: 'c' });
    const lock = await takeLock(folder);
    expect(await readdir(folder)).toEqual(['lock']);
    await lock.release();
  });

  test('one that succeeded a dead one holds, even before it has tidied up', async () => {
    await leave('lock', { pid: NOBODY, token: 'a' });
    await leave('lock.a', { pid: process.pid, token: 'b' });
    await expect(takeLock(folder)).rejects.toMatchObject({ code: 'locked' });
    expect((await readdir(folder)).sort()).toEqual(['lock', 'lock.a']);
  });

  test('one of many takes over, whoever is first', async () => {
    for (let round = 0; round < 20; round++) {
      await leave('lock', { pid: NOBODY, token: `dead${round}` });
      const takers = await Promise.allSettled(Array.from({ length: 12 }, () => takeLock(folder)));
      const won = takers.filter((taker) => taker.status === 'fulfilled');
      expect(won).toHaveLength(1);
      for (const taker of takers) {
        if (taker.status === 'rejected') expect(taker.reason).toMatchObject({ code: 'locked' });
      }
      expect(await readdir(folder)).toEqual(['lock']);
      await won[0]!.value.release();
    }
  });

  test.runIf(process.platform === 'linux')(
    'knows a process by its start, not by its number alone',
    async () => {
      const self = await thisProcess();
      await leave('lock', { ...self, start: '1', token: 'a' });
      await (await takeLock(folder)).release();
      await leave('lock', { ...self, boot: 'another', token: 'a' });
      await (await takeLock(folder)).release();
      await leave('lock', { ...self, namespace: 'pid:[1]', pid: NOBODY, token: 'a' });
      await expect(takeLock(folder)).rejects.toThrow(
        `of another container: end that, or remove ${folder}/lock`,
      );
      await leave('lock', { ...self, token: 'a' });
      await expect(takeLock(folder)).rejects.toMatchObject({ code: 'locked' });
    },
  );

  test.each(['', 'PID 7', '{}', '{"pid":0,"token":"a"}', '{"pid":7,"token":"../x"}', 'null'])(
    'a lock that says %j stays, and the message says what to do',
    async (text) => {
      await writeFile(join(folder, 'lock'), text);
      await expect(takeLock(folder)).rejects.toMatchObject({
        code: 'locked',
        message: expect.stringContaining('If none does, remove that file'),
      });
      expect(await readFile(join(folder, 'lock'), 'utf8')).toBe(text);
      expect(await readdir(folder)).toEqual(['lock']);
    },
  );
});

describe('between processes', () => {
  let script: string;
  const started: HolderProcess[] = [];
  const start = (at = folder) => {
    const holder = startHolder(script, at);
    started.push(holder);
    return holder;
  };
  beforeAll(async () => {
    script = await bundleHolder();
  });
  afterEach(() => Promise.all(started.splice(0).map((holder) => holder.kill())));
  afterAll(() => rm(join(script, '..'), { recursive: true }));

  test('a folder in use is refused, and free after kill -9', async () => {
    const holder = start();
    expect(await holder.tell('open')).toBe('done');
    const storage = nodeStorage(folder);
    await expect(storage.open()).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining(`${folder} is in use by process ${holder.child.pid}: `),
    });
    await holder.kill();
    await storage.open();
    expect(await start().tell('open')).toBe('locked');
    await storage.close();
    const next = start();
    expect(await next.tell('open')).toBe('done');
    expect(await next.tell('close')).toBe('done');
    expect(await readdir(folder)).toEqual([]);
  });

  test('of processes that race for the lock of a killed one, exactly one wins', async () => {
    const first = start();
    expect(await first.tell('open')).toBe('done');
    await first.kill();
    let racers = Array.from({ length: 6 }, () => start());
    while (racers.length > 0) {
      const answers = await Promise.all(racers.map((racer) => racer.tell('open')));
      expect(answers.toSorted()).toEqual(['done', ...racers.slice(1).map(() => 'locked')]);
      const winner = racers[answers.indexOf('done')]!;
      await winner.kill();
      racers = racers.filter((racer) => racer !== winner);
    }
  });

  test('of processes that make a folder, one does, and the other is told', async () => {
    const path = join(folder, 'new');
    const racers = [start(path), start(path)];
    for (const racer of racers) expect(await racer.tell('open')).toBe('done');
    const answers = await Promise.all(racers.map((racer) => racer.tell('write')));
    expect(answers.toSorted()).toEqual(['done', 'locked']);
    await mkdir(join(path, 'seen'));
    expect((await readdir(path)).sort()).toEqual(['key', 'lock', 'seen']);
  });
});
