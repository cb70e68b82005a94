/** `share`: a file, or the feed in a folder, for whoever knows its key. */
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Feed, StorageError, toHex } from '../index.ts';
import { nodeStorage } from '../storage/node.ts';
import type { ShareCommand } from './arguments.ts';
import { CommandError, exitCodes, interrupted, machineError, reasonOf, usageError } from './exit.ts';
import { blocks, type Output, progressBar, readableBytes } from './output.ts';
import { aborted, temporaryFolder } from './process.ts';
import { listen } from './serve.ts';

/** Bytes of a block; the last one has what is left. */
const BLOCK_BYTES = 65_536;
/** Blocks that are appended, signed and flushed together. */
const BATCH_BLOCKS = 16;
const feedFiles = ['key', 'secret_key', 'tree', 'signatures', 'bitfield', 'data'];

/** What is being shared, to whoever asks. */
export interface Sharing {
  readonly feed: Feed;
  readonly key: string;
  readonly urls: readonly string[];
  /** Hangs up, closes the feed and removes what is temporary. */
  close(): Promise<void>;
}

/**
 * Shares until the signal aborts.
 * @throws CommandError at the end: its reason, or why there is nothing to share.
 */
export async function share(command: ShareCommand, output: Output, signal: AbortSignal): Promise<never> {
  try {
    const sharing = await startSharing(command, output, signal);
    const { feed, key, urls } = sharing;
    output.event({
      event: 'ready',
      key,
      discoveryKey: toHex(feed.discoveryKey),
      length: feed.length,
      byteLength: feed.byteLength,
      urls,
    });
    output.line(`Sharing ${command.path}: ${blocks(feed.length)}, ${readableBytes(feed.byteLength)}.`);
    output.line(`Key: ${key}`);
    output.line(`\nTo download it:\n  hypercore-wire sync ${key} ${urls[0]} --out <file>\n`);
    const ws = urls.find((url) => url.startsWith('ws:'));
    if (ws !== undefined) output.line(`In a page, or over WebSocket otherwise: ${ws}\n`);
    output.line('Serving until Ctrl-C.');
    await aborted(signal);
    await sharing.close();
    throw signal.reason;
  } catch (error) {
    output.event({ event: 'failed', error: reasonOf(error) });
    throw error;
  }
}

/** Takes the ports first, so that one that is taken is known before a large file has been read. */
export async function startSharing(
  command: ShareCommand,
  output: Output,
  signal: AbortSignal,
): Promise<Sharing> {
  const server = await listen(command, output);
  try {
    const { feed, done } = await openFeed(command, output, signal);
    server.serve(feed);
    return {
      feed,
      key: toHex(feed.key),
      urls: server.urls,
      async close() {
        await server.close();
        await feed.close();
        await done();
      },
    };
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** The feed, and what is left to do once it is closed. */
async function openFeed(
  { path, dir }: ShareCommand,
  output: Output,
  signal: AbortSignal,
): Promise<{ feed: Feed; done: () => Promise<void> }> {
  const kind = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT'
      ? new CommandError(exitCodes.machine, `there is no file or folder ${path}: check the path`, error)
      : machineError(path, error);
  });
  if (kind.isDirectory()) {
    if (dir !== undefined) {
      throw usageError(`--dir is for the new feed of a file, and ${path} is a folder: leave --dir out`);
    }
    await stat(join(path, 'key')).catch((error: NodeJS.ErrnoException) => {
      throw machineError(path, error.code === 'ENOENT' ? new StorageError('missing', path) : error);
    });
    const feed = await Feed.open(nodeStorage(path)).catch((error: unknown) => {
      throw machineError(path, error);
    });
    return { feed, done: async () => {} };
  }
  const file = await open(path).catch((error: unknown) => {
    throw machineError(path, error);
  });
  return importInto(path, file, dir, output, signal).finally(() => file.close());
}

async function importInto(
  path: string,
  file: FileHandle,
  dir: string | undefined,
  output: Output,
  signal: AbortSignal,
): Promise<{ feed: Feed; done: () => Promise<void> }> {
  const temporary = dir === undefined ? await temporaryFolder() : undefined;
  try {
    const feed = await importFile(path, file, dir ?? temporary!.path, output, signal);
    return { feed, done: async () => temporary?.remove() };
  } catch (error) {
    await temporary?.remove();
    throw error;
  }
}

/**
 * Makes a feed of the file, with one batch in memory at a time. If that fails or is interrupted, no half of a
 * feed stays behind.
 * @throws CommandError if the folder holds a feed already, or this machine fails.
 */
async function importFile(
  path: string,
  file: FileHandle,
  folder: string,
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
