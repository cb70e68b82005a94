/** A storage whose disk gives up: at the n-th write, and from then on until it is mended. */
import type { Storage, StorageFile } from '../../src/feed/storage.ts';

export class FailingStorage implements Storage {
  readonly #storage: Storage;
  readonly #failAt: number;
  /** Whether the write that fails gets half of its bytes to the disk. */
  readonly #half: boolean;
  writes = 0;
  isMended = false;

  constructor(storage: Storage, failAt: number, half: boolean) {
    this.#storage = storage;
    this.#failAt = failAt;
    this.#half = half;
  }

  async open(): Promise<void> {
    await this.#storage.open();
  }

  async close(): Promise<void> {
    await this.#storage.close();
  }

  file(name: Parameters<Storage['file']>[0]): StorageFile {
    const file = this.#storage.file(name);
    const gate = () => {
      if (!this.isMended && this.writes >= this.#failAt) throw new Error('disk full');
    };
    return {
      size: () => file.size(),
      read: (offset, length) => file.read(offset, length),
      write: async (offset, bytes) => {
        this.writes++;
        if (this.#half && this.writes === this.#failAt) {
          await file.write(offset, bytes.subarray(0, bytes.length / 2));
        }
        gate();
        await file.write(offset, bytes);
      },
      flush: async () => {
        gate();
        await file.flush();
      },
    };
  }
}
