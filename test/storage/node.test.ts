import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StorageError } from '../../src/errors.ts';
import { nodeStorage } from '../../src/storage/node.ts';
import { storageContract } from './suite.ts';

storageContract('nodeStorage', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'storage-'));
  const folder = join(parent, 'feed');
  return {
    storage: nodeStorage(folder),
    again: () => nodeStorage(folder),
    cleanup: () => rm(parent, { recursive: true }),
  };
});

describe('nodeStorage', () => {
  let parent: string;
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'storage-'));
  });
  afterEach(() => rm(parent, { recursive: true }));

  test('opening and reading make nothing; the first write makes the folder', async () => {
    const folder = join(parent, 'a', 'b');
    const storage = nodeStorage(folder);
    await storage.open();
    await storage.file('tree').read(0, 40);
    await storage.file('tree').flush();
    expect(existsSync(join(parent, 'a'))).toBe(false);
    await storage.file('tree').write(0, new Uint8Array(4));
    await storage.file('tree').flush();
    expect((await readdir(folder)).sort()).toEqual(['lock', 'tree']);
    await storage.close();
    expect(await readdir(folder)).toEqual(['tree']);
  });

  test('only the owner may read the secret key', async () => {
    const folder = join(parent, 'feed');
    const storage = nodeStorage(folder);
    await storage.open();
    await storage.file('secret_key').write(0, new Uint8Array(64));
    await storage.file('key').write(0, new Uint8Array(32));
    await storage.close();
    expect((await stat(join(folder, 'secret_key'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'key'))).mode & 0o700).toBe(0o600);
  });

  test('the same folder by another path is the same folder', async () => {
    const folder = join(parent, 'feed');
    await mkdir(folder);
    await symlink(parent, join(parent, 'link'));
    const storage = nodeStorage(folder);
    await storage.open();
    const other = nodeStorage(join(parent, 'link', 'feed'));
    await expect(other.open()).rejects.toMatchObject({ code: 'locked' });
    await storage.close();
    await other.open();
    await other.close();
  });

  test('two storages on a folder that is not there yet', async () => {
    const first = nodeStorage(join(parent, 'new'));
    await first.open();
    await expect(nodeStorage(join(parent, 'new')).open()).rejects.toMatchObject({ code: 'locked' });
    await first.close();
  });

  test('a file is no folder', async () => {
    await writeFile(join(parent, 'file'), 'x');
    await expect(nodeStorage(join(parent, 'file')).open()).rejects.toMatchObject({
      code: 'foreign',
      message: `[foreign] ${join(parent, 'file')} is a file: name a folder.`,
    });
    await expect(nodeStorage(join(parent, 'file', 'feed')).open()).rejects.toMatchObject({
      code: 'platform',
    });
  });

  test('a folder of other things is left as it is', async () => {
    await writeFile(join(parent, 'letter.txt'), 'x');
    await expect(nodeStorage(parent).open()).rejects.toMatchObject({ code: 'foreign' });
    expect(await readdir(parent)).toEqual(['letter.txt']);
    await writeFile(join(parent, 'key'), new Uint8Array(32));
    const storage = nodeStorage(parent);
    await storage.open();
    await storage.close();
  });

  test('a failed open leaves the folder free', async () => {
    await writeFile(join(parent, 'letter.txt'), 'x');
    const storage = nodeStorage(parent);
    await expect(storage.open()).rejects.toThrow(StorageError);
    await rm(join(parent, 'letter.txt'));
    await storage.open();
    await storage.close();
  });

  test('a folder in the place of a file', async () => {
    await mkdir(join(parent, 'data'));
    const storage = nodeStorage(parent);
    await storage.open();
    await expect(storage.file('data').read(0, 1)).rejects.toMatchObject({
      code: 'platform',
      message: expect.stringContaining('is a folder where a file was expected'),
      cause: expect.objectContaining({ code: 'EISDIR' }),
    });
    await storage.close();
  });

  test.runIf(existsSync('/dev/full'))('a full disk is said to be one, and the storage goes on', async () => {
    await symlink('/dev/full', join(parent, 'data'));
    const storage = nodeStorage(parent);
    await storage.open();
    await expect(storage.file('data').write(0, new Uint8Array(10))).rejects.toMatchObject({
      code: 'platform',
      message: expect.stringMatching(/^\[platform\] Disk full: free some space/),
      cause: expect.objectContaining({ code: 'ENOSPC' }),
    });
    await storage.file('key').write(0, new Uint8Array(32));
    await storage.close();
  });

  test.skipIf(process.getuid?.() === 0)('a folder that may only be read', async () => {
    await writeFile(join(parent, 'key'), new Uint8Array(32));
    await chmod(parent, 0o555);
    await expect(nodeStorage(parent).open()).rejects.toMatchObject({
      code: 'platform',
      message: expect.stringContaining('No permission'),
    });
    await chmod(parent, 0o755);
  });

  test('refuses use while it is closed, and a folder that is none', async () => {
    const storage = nodeStorage(parent);
    await expect((async () => storage.file('key').read(0, 1))()).rejects.toThrow(TypeError);
    await storage.open();
    await storage.close();
    await expect((async () => storage.file('key').write(0, new Uint8Array(1)))()).rejects.toThrow(
      '"storage" expected to be open',
    );
    expect(() => nodeStorage('')).toThrow(TypeError);
  });
});
