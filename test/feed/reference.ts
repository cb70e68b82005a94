/** hypercore 7 itself, with promises. */
import { createRequire } from 'node:module';
import type { FileName } from '../../src/feed/storage.ts';
import type { MemoryStorage } from '../../src/storage/memory.ts';

type Done<T> = (error: Error | null, value?: T) => void;

interface Hypercore {
  readonly length: number;
  readonly byteLength: number;
  readonly key: Buffer;
  readonly writable: boolean;
  has(block: number): boolean;
  append(blocks: Buffer[], done: Done<number>): void;
  get(block: number, options: { wait: boolean }, done: Done<Buffer>): void;
  clear(start: number, end: number, done: Done<void>): void;
  ready(done: Done<void>): void;
  close(done: Done<void>): void;
  replicate(options: { live: boolean }): NodeJS.ReadWriteStream;
  once(event: 'error', listener: (error: Error) => void): void;
}

interface RandomAccess {
  readonly length: number;
  read(offset: number, length: number, done: Done<Buffer>): void;
}

type Place = string | ((name: FileName) => RandomAccess);

const require = createRequire(import.meta.url);
const hypercore: (place: Place, key?: Buffer, options?: object) => Hypercore = require('hypercore');
const randomAccessMemory: (content?: Buffer) => RandomAccess = require('random-access-memory');

/** A hypercore feed on a folder, or on files in memory. */
export class Reference {
  readonly feed: Hypercore;

  private constructor(feed: Hypercore) {
    this.feed = feed;
  }

  static async open(place: Place, key?: Uint8Array, options?: object): Promise<Reference> {
    const feed = hypercore(place, key && Buffer.from(key), options);
    await new Promise<void>((resolve, reject) => {
      feed.once('error', reject);
      feed.ready((error) => (error ? reject(error) : resolve()));
    });
    return new Reference(feed);
  }

  append(...blocks: Uint8Array[]): Promise<number> {
    return promise((done) =>
      this.feed.append(
        blocks.map((block) => Buffer.from(block)),
        done,
      ),
    );
  }

  get(block: number): Promise<Buffer> {
    return promise((done) => this.feed.get(block, { wait: false }, done));
  }

  clear(start: number, end: number): Promise<void> {
    return promise((done) => this.feed.clear(start, end, done));
  }

  close(): Promise<void> {
    return promise((done) => this.feed.close(done));
  }

  /** Downloads all that `from` has. */
  download(from: Reference): Promise<void> {
    const ours = this.feed.replicate({ live: false });
    const theirs = from.feed.replicate({ live: false });
    return promise((done) => {
      ours.on('error', done);
      theirs.on('error', done);
      ours.on('end', () => done(null));
      ours.pipe(theirs).pipe(ours);
    });
  }
}

function promise<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value as T)));
  });
}

/** Hypercore's storage in memory, with what is in ours. */
export function filesOf(storage: MemoryStorage): (name: FileName) => RandomAccess {
  return (name) => {
    const file = storage.file(name);
    const bytes = Buffer.from(file.read(0, file.size()));
    return bytes.length > 0 ? randomAccessMemory(bytes) : randomAccessMemory();
  };
}

/** Hypercore's storage in memory, with the means to copy what is in it to ours. */
export function referenceFiles(): {
  place: (name: FileName) => RandomAccess;
  copyTo(storage: MemoryStorage): Promise<void>;
} {
  const files = new Map<FileName, RandomAccess>();
  return {
    place: (name) => {
      const file = randomAccessMemory();
      files.set(name, file);
      return file;
    },
    async copyTo(storage) {
      for (const [name, file] of files) {
        if (file.length === 0) continue;
        storage.file(name).write(0, await promise<Buffer>((done) => file.read(0, file.length, done)));
      }
    },
  };
}
