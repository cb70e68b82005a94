/** A file's bytes as the blocks of a new feed. */
import type { FileHandle } from 'node:fs/promises';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Feed } from '../index.ts';
import { nodeStorage } from '../storage/node.ts';
import { interrupted, machineError } from './exit.ts';
import type { Output } from './output.ts';
import { progressBar } from './progress.ts';

/** Bytes of a block; the last one has what is left. */
const BLOCK_BYTES = 65_536;
/** Blocks that are appended, signed and flushed together. */
const BATCH_BLOCKS = 16;
const feedFiles = ['key', 'secret_key', 'tree', 'signatures', 'bitfield', 'data'];

/** What to put where: `path` is how the person names the file. */
export interface Import {
  readonly path: string;
  readonly file: FileHandle;
  /** The new feed's folder. */
  readonly folder: string;
}

/**
 * Makes a feed of the file, holding one batch in memory at a time. Where that fails, or is interrupted, no
 * half of a feed stays behind.
 * @throws CommandError where the folder holds a feed already, or this machine fails.
 */
export async function importFile(
  { path, file, folder }: Import,
  output: Output,
  signal: AbortSignal,
): Promise<Feed> {
  const feed = await Feed.create(nodeStorage(folder)).catch((error: unknown) => {
    throw machineError(folder, error);
  });
  const bar = await progressBar(output.terminal, 'added', 'blocks');
  try {
    const total = Math.ceil((await file.stat()).size / BLOCK_BYTES);
    for await (const batch of batches(path, file)) {
      if (signal.aborted) throw interrupted();
      await feed.append(batch).catch((error: unknown) => {
        throw machineError(folder, error);
      });
      bar.update(feed.length, Math.max(total, feed.length), feed.byteLength);
    }
    return feed;
  } catch (error) {
    await feed.close().catch(() => {});
    for (const name of feedFiles) await rm(join(folder, name), { force: true });
    throw error;
  } finally {
    bar.stop();
  }
}

/** The file from its start, in batches of whole blocks; only the last block may be smaller. */
async function* batches(path: string, file: FileHandle): AsyncGenerator<Uint8Array[], void, undefined> {
  for (let isAtEnd = false; !isAtEnd; ) {
    const bytes = new Uint8Array(BLOCK_BYTES * BATCH_BLOCKS);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length).catch((error: unknown) => {
        throw machineError(path, error);
      });
      if (bytesRead === 0) {
        isAtEnd = true;
        break;
      }
      length += bytesRead;
    }
    const batch: Uint8Array[] = [];
    for (let start = 0; start < length; start += BLOCK_BYTES) {
      batch.push(bytes.subarray(start, Math.min(length, start + BLOCK_BYTES)));
    }
    if (batch.length > 0) yield batch;
  }
}
