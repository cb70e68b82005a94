/** `--out`: the blocks' bytes in a file or on stdout, complete or not at all. */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CommandError, exitCodes, machineError, usageError } from './exit.ts';

export interface OutFile {
  /** Writes all of it and puts it in its place. */
  fill(blocks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Removes what is not in its place. Idempotent; does nothing after `fill`. */
  discard(): Promise<void>;
}

/** The files of a feed, and its lock: `--out` must not replace one of them. */
const feedFiles = /^(key|secret_key|tree|signatures|bitfield|data|lock(\..*)?)$/;

/**
 * Makes sure that `--out` can be written, before anything is downloaded: a new file beside it takes the
 * bytes, and is renamed at the end.
 * @throws CommandError where it cannot.
 */
export async function openOut(out: string, dir: string | undefined): Promise<OutFile> {
  if (out === '-') return { fill: writeToStdout, discard: async () => {} };
  const path = resolve(out);
  if (dir !== undefined && feedFiles.test(basename(path)) && (await isSame(dirname(path), dir))) {
    throw usageError(`--out ${out} is one of the files of the feed in --dir: name another place`);
  }
  try {
    const there = await stat(path).catch(() => undefined);
    if (there?.isDirectory()) throw new CommandError(exitCodes.machine, `${out} is a folder: name a file`);
    // A device or a pipe is written to, not replaced; and so is what a link points to, not the link.
    if (there !== undefined && !there.isFile()) return new Device(out);
    const target = there === undefined ? path : await realpath(path);
    const partial = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.partial`);
    return new RegularFile(out, target, partial, await open(partial, 'wx', (there?.mode ?? 0o666) & 0o777));
  } catch (error) {
    throw isMissing(error)
      ? new CommandError(
          exitCodes.machine,
          `there is no folder ${dirname(out)}: create it, or name another --out`,
        )
      : machineError(out, error);
  }
}

class RegularFile implements OutFile {
  readonly #name: string;
  readonly #target: string;
  readonly #partial: string;
  #file: FileHandle | undefined;

  constructor(name: string, target: string, partial: string, file: FileHandle) {
    this.#name = name;
    this.#target = target;
    this.#partial = partial;
    this.#file = file;
  }

  async fill(blocks: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const block of blocks) await this.#try((file) => file.writeFile(block));
    await this.#try((file) => file.sync());
    await this.#try(async (file) => {
      await file.close();
      await rename(this.#partial, this.#target);
      this.#file = undefined;
    });
  }

  async discard(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    await file.close().catch(() => {});
    await rm(this.#partial, { force: true });
  }

  /** An error of the blocks' side passes; one of the file's is said with the file's name. */
  async #try(write: (file: FileHandle) => Promise<void>): Promise<void> {
    try {
      await write(this.#file!);
    } catch (error) {
      throw machineError(this.#name, error);
    }
  }
}

class Device implements OutFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async fill(blocks: AsyncIterable<Uint8Array>): Promise<void> {
    const file = await open(this.#path, 'w').catch((error) => {
      throw machineError(this.#path, error);
    });
    try {
      for await (const block of blocks) {
        await file.writeFile(block).catch((error) => {
          throw machineError(this.#path, error);
        });
      }
    } finally {
      await file.close();
    }
  }

  async discard(): Promise<void> {}
}

async function writeToStdout(blocks: AsyncIterable<Uint8Array>): Promise<void> {
  // The write itself is told of an error; without a listener the same error would end the process.
  process.stdout.on('error', () => {});
  for await (const block of blocks) {
    await new Promise<void>((written, failed) => {
      process.stdout.write(block, (error) => (error ? failed(stdoutError(error)) : written()));
    });
  }
}

function stdoutError(error: Error & { code?: string }): CommandError {
  return error.code === 'EPIPE'
    ? new CommandError(exitCodes.machine, 'stdout was closed before all was written', error)
    : machineError('stdout', error);
}

async function isSame(a: string, b: string): Promise<boolean> {
  const [realA, realB] = await Promise.all([a, b].map((path) => realpath(path).catch(() => resolve(path))));
  return realA === realB;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
