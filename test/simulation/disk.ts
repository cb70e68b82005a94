/**
 * A disk that does what disks do: it takes its time, refuses, fills up, and keeps of what was not flushed before
 * a crash only what it likes, sector by sector.
 */
import { StorageError } from '../../src/errors.ts';
import type { FileName, Storage, StorageFile } from '../../src/feed/storage.ts';
import type { World } from './world.ts';

/** Bytes that are written as a whole, or not at all. */
const SECTOR = 4096;

/** Bytes that grow, a page at a time, so that holes cost nothing. */
class Bytes {
  readonly #pages = new Map<number, Uint8Array>();
  size = 0;

  write(offset: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const page = Math.floor((offset + at) / SECTOR);
      const from = offset + at - page * SECTOR;
      const part = bytes.subarray(at, at + SECTOR - from);
      let sector = this.#pages.get(page);
      if (sector === undefined) this.#pages.set(page, (sector = new Uint8Array(SECTOR)));
      sector.set(part, from);
      at += part.length;
    }
    if (bytes.length > 0) this.size = Math.max(this.size, offset + bytes.length);
  }

  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const page = Math.floor((offset + at) / SECTOR);
      const from = offset + at - page * SECTOR;
      const size = Math.min(SECTOR - from, length - at);
      const sector = this.#pages.get(page);
      if (sector !== undefined) bytes.set(sector.subarray(from, from + size), at);
      at += size;
    }
    return bytes;
  }

  copyFrom(other: Bytes): void {
    this.#pages.clear();
    for (const [page, sector] of other.#pages) this.#pages.set(page, sector.slice());
    this.size = other.size;
  }
}

interface DiskFile {
  /** What a reader sees. */
  readonly cached: Bytes;
  /** What a crash leaves for sure. */
  readonly durable: Bytes;
  unflushed: { readonly offset: number; readonly bytes: Uint8Array }[];
}

export class Disk {
  readonly #world: World;
  readonly #name: string;
  readonly #files = new Map<FileName, DiskFile>();
  /** Counts crashes: what a dead program still had under way does nothing. */
  #life = 0;
  #isHeld = false;
  /** How many writes and flushes out of all fail. */
  failing = 0;
  /** How many reads out of all fail. */
  misreading = 0;
  isFull = false;
  /** Not a fault that can be survived: there to see that it is found. */
  liesAboutFlush = false;
  isSlow = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
  }

  /** No faults from now on. */
  mend(): void {
    this.failing = this.misreading = 0;
    this.isFull = this.isSlow = false;
  }

  /** The program died, or the power went. Of what was not flushed each sector is there, or not. */
  crash(): void {
    this.#life++;
    this.#isHeld = false;
    const { random } = this.#world;
    for (const file of this.#files.values()) {
      for (const { offset, bytes } of file.unflushed) {
        for (let at = 0; at < bytes.length; ) {
          const size = Math.min(SECTOR - ((offset + at) % SECTOR), bytes.length - at);
          if (random.chance(0.5)) file.durable.write(offset + at, bytes.subarray(at, at + size));
          at += size;
        }
      }
      file.unflushed = [];
      file.cached.copyFrom(file.durable);
    }
    this.#world.log(`${this.#name} disk crashed`);
  }

  /** For one program, until it dies. */
  storage(): Storage {
    const life = this.#life;
    const isDead = (): boolean => life !== this.#life;
    return {
      open: () => {
        if (this.#isHeld) throw new StorageError('locked', 'another program holds the disk');
        this.#isHeld = true;
      },
      file: (name) => this.#file(name, isDead),
      close: () => {
        if (!isDead()) this.#isHeld = false;
      },
    };
  }

  #file(name: FileName, isDead: () => boolean): StorageFile {
    let file = this.#files.get(name);
    if (file === undefined)
      this.#files.set(name, (file = { cached: new Bytes(), durable: new Bytes(), unflushed: [] }));
    const { cached, durable } = file;
    const kept = file;
    return {
      size: () => this.#later(isDead, () => cached.size),
      read: (offset, length) =>
        this.#later(isDead, () => {
          if (this.#world.random.chance(this.misreading)) throw this.#fault('read', name);
          return cached.read(offset, length);
        }),
      write: (offset, bytes) => {
        const copy = bytes.slice();
        return this.#later(isDead, () => {
          const fails =
            this.#world.random.chance(this.failing) || (this.isFull && offset + copy.length > cached.size);
          const written = fails ? copy.subarray(0, this.#world.random.between(0, copy.length)) : copy;
          cached.write(offset, written);
          if (written.length > 0) kept.unflushed.push({ offset, bytes: written });
          if (fails) throw this.#fault('write', name);
        });
      },
      discard: (offset, length) =>
        this.#later(isDead, () => {
          const zeros = new Uint8Array(Math.min(length, Math.max(0, cached.size - offset)));
          cached.write(offset, zeros);
          if (zeros.length > 0) kept.unflushed.push({ offset, bytes: zeros });
        }),
      flush: () =>
        this.#later(isDead, () => {
          if (this.#world.random.chance(this.failing)) throw this.#fault('flush', name);
          if (this.liesAboutFlush) return;
          for (const { offset, bytes } of kept.unflushed) durable.write(offset, bytes);
          kept.unflushed = [];
        }),
    };
  }

  /** At once or later, as a disk likes. What a dead program asked for never comes. */
  #later<T>(isDead: () => boolean, work: () => T): T | Promise<T> {
    const { random } = this.#world;
    if (isDead()) return new Promise(() => {});
    if (!this.isSlow && random.chance(0.7)) return work();
    return new Promise((resolve, reject) => {
      this.#world.after(random.between(0, this.isSlow ? 500 : 3), () => {
        if (isDead()) return;
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #fault(what: string, name: FileName): Error {
    this.#world.log(`${this.#name} ${what} of ${name} fails`);
    return new StorageError('platform', `EIO: ${what} ${name}`);
  }
}
