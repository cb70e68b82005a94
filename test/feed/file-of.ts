import type { FileName, Storage, StorageFile } from '../../src/feed/storage.ts';

/** A file with the methods that each has as properties, so that one can be put in the place of another. */
export function fileOf(storage: Storage, name: FileName): StorageFile {
  const file = storage.file(name);
  return {
    size: () => file.size(),
    read: (offset, length) => file.read(offset, length),
    write: (offset, bytes) => file.write(offset, bytes),
    flush: () => file.flush(),
  };
}
