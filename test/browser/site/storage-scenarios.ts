/** What a thread does with feeds in its storage, be it OPFS itself or a port to a worker that has it. */
import { Feed, type KeyPair, memoryPair, memoryStorage, replicate, type Storage } from 'hypercore-wire';
import { libsodium } from 'hypercore-wire/crypto';
import { equals } from 'uint8arrays/equals';

/** Blocks of one size, each told from every other. */
export interface Blocks {
  readonly count: number;
  readonly bytes: number;
}

export function blockOf(index: number, bytes: number): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(bytes).fill(index);
  new DataView(block.buffer).setUint32(0, index);
  return block;
}

/** The keys of all feeds here. */
async function keys(): Promise<KeyPair> {
  return (await libsodium()).keyPair(new Uint8Array(32).fill(5));
}

/** A writer of the same blocks every time, in memory. */
export async function writerOf({ count, bytes }: Blocks): Promise<Feed> {
  const writer = await Feed.create(memoryStorage(), { keyPair: await keys() });
  await writer.append(Array.from({ length: count }, (_, i) => blockOf(i, bytes)));
  return writer;
}

function isBlock(block: Uint8Array, index: number): boolean {
  return equals(block, blockOf(index, block.byteLength));
}

export async function removeFolder(folder: string): Promise<void> {
  const root = await navigator.storage.getDirectory();
  await root.removeEntry(folder, { recursive: true }).catch(() => {});
}

export function storageScenarios(storageOf: (folder: string) => Storage) {
  const open = new Map<string, Feed>();
  const feedOf = (folder: string): Feed => open.get(folder)!;
  return {
    /** Runs the contract; what went wrong, by case. */
    async contract(): Promise<[string, string][]> {
      // Large, and most workers do without it.
      const { contract } = await import('../../storage/contract.ts');
      let places = 0;
      const results: [string, string][] = [];
      for (const { name, run } of contract) {
        const make = async () => {
          const folder = `brief-${places++}`;
          await removeFolder(folder);
          return {
            storage: storageOf(folder),
            again: () => storageOf(folder),
            cleanup: () => removeFolder(folder),
          };
        };
        const result = await run(make).then(
          () => 'kept',
          (error) => [error?.stack ?? error, error?.cause?.stack ?? ''].join('\n').trim(),
        );
        results.push([name, result]);
      }
      return results;
    },

    async create(folder: string): Promise<number> {
      open.set(folder, await Feed.create(storageOf(folder), { keyPair: await keys() }));
      return feedOf(folder).length;
    },

    /** Opens what is there. Resolves to the length. */
    async open(folder: string): Promise<number> {
      open.set(folder, await Feed.open(storageOf(folder)));
      return feedOf(folder).length;
    },

    append(folder: string, ...words: string[]): Promise<number> {
      return feedOf(folder).append(words.map((word) => new TextEncoder().encode(word)));
    },

    /** Appends one block of so many bytes, as `held` expects it. */
    grow(folder: string, bytes: number): Promise<number> {
      return feedOf(folder).append(blockOf(feedOf(folder).length, bytes));
    },

    async words(folder: string): Promise<string[]> {
      const words: string[] = [];
      for await (const block of feedOf(folder).read()) words.push(new TextDecoder().decode(block));
      return words;
    },

    clear: (folder: string, start: number, end: number): Promise<void> => feedOf(folder).clear(start, end),

    async close(folder: string): Promise<void> {
      await feedOf(folder).close();
      open.delete(folder);
    },

    /** Downloads a feed of `writerOf` from a peer in the same thread; resolves to the blocks that came over. */
    async download(
      folder: string,
      blocks: Blocks,
      onStored: (index: number) => void = () => {},
    ): Promise<number[]> {
      const writer = await writerOf(blocks);
      const reader = await Feed.open(storageOf(folder), { key: writer.key });
      const came: number[] = [];
      reader.subscribe((event) => {
        if (event.type !== 'download') return;
        came.push(event.index);
        onStored(event.index);
      });
      try {
        const [here, there] = memoryPair();
        const [{ closed }] = await Promise.all([
          replicate(here, { feeds: reader }),
          replicate(there, { feeds: writer }),
        ]);
        const reason = await closed;
        if ('error' in reason) throw reason.error;
        return came;
      } finally {
        await reader.close();
        await writer.close();
      }
    },

    /** The blocks of a feed of `writerOf` that are here, and right. @throws Error where one is not. */
    async held(folder: string): Promise<number[]> {
      const feed = await Feed.open(storageOf(folder), { key: (await keys()).publicKey });
      try {
        const held: number[] = [];
        for (let i = 0; i < feed.length; i++) {
          if (!feed.has(i)) continue;
          if (!isBlock(await feed.get(i, { wait: false }), i))
            throw new Error(`block ${i} is not the writer's`);
          held.push(i);
        }
        if (feed.count() !== held.length)
          throw new Error(`${feed.count()} held, of which ${held.length} are right`);
        return held;
      } finally {
        await feed.close();
      }
    },
  };
}

export type StorageScenarios = ReturnType<typeof storageScenarios>;
