/** Long feeds, which take long to build: each is built once in a run, and its files are kept in the run's folder. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Feed, memoryStorage } from 'hypercore-wire';

const BLOCK = 64;
const BATCH = 10_000;

export const fileNames = ['key', 'secret_key', 'tree', 'signatures', 'bitfield', 'data'];

/** A storage in memory with a feed of so many blocks of 64 bytes. */
export async function builtStorage(length, folder) {
  const place = `${folder}/${length}`;
  const storage = memoryStorage();
  if (existsSync(place)) {
    for (const name of fileNames) storage.file(name).write(0, readFileSync(`${place}/${name}`));
    return storage;
  }
  const feed = await Feed.create(storage);
  const block = new Uint8Array(BLOCK);
  for (let start = 0; start < length; start += BATCH) {
    await feed.append(new Array(Math.min(BATCH, length - start)).fill(block));
  }
  await feed.close();
  mkdirSync(place);
  for (const name of fileNames) {
    const file = storage.file(name);
    writeFileSync(`${place}/${name}`, file.read(0, file.size()));
  }
  return storage;
}
