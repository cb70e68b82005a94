/** Downloads that stop, so that the page can terminate their worker there: a crash at a known place. */
import type { Storage, StorageFile } from 'hypercore-wire';
import { type Blocks, storageScenarios } from './storage-scenarios.ts';

/** Said to the page while a download goes on. */
export type Progress = { readonly stored: number } | { readonly stopped: true };

export function stoppingScenarios(storageOf: (folder: string) => Storage, say: (message: Progress) => void) {
  return {
    /** Tells of each block; with `stopAt`, nothing happens any more from that write or flush on. */
    downloadUntil(folder: string, blocks: Blocks, stopAt?: number, half = false): Promise<number[]> {
      const place = (folder: string): Storage =>
        stopAt === undefined ? storageOf(folder) : stopping(storageOf(folder), stopAt, half, say);
      return storageScenarios(place).download(folder, blocks, (stored) => say({ stored }));
    },
  };
}

function stopping(
  storage: Storage,
  stopAt: number,
  half: boolean,
  say: (message: Progress) => void,
): Storage {
  let steps = 0;
  const never = new Promise<never>(() => {});
  const stops = (): boolean => {
    steps++;
    if (steps === stopAt) say({ stopped: true });
    return steps >= stopAt;
  };
  return {
    open: () => storage.open(),
    close: () => storage.close(),
    file(name): StorageFile {
      const file = storage.file(name);
      return {
        size: () => file.size(),
        read: (offset, length) => file.read(offset, length),
        write(offset, bytes) {
          if (!stops()) return file.write(offset, bytes);
          if (half && steps === stopAt) void file.write(offset, bytes.subarray(0, bytes.length / 2));
          return never;
        },
        flush: () => (stops() ? never : file.flush()),
      };
    },
  };
}
