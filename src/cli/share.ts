/** `share`: a file, or the feed in a folder, for whoever knows its key. */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { Feed, toHex } from '../index.ts';
import { nodeStorage } from '../storage/node.ts';
import type { ShareCommand } from './arguments.ts';
import { CommandError, exitCodes, machineError, usageError } from './exit.ts';
import { importFile } from './import-file.ts';
import { aborted } from './interruption.ts';
import { blocks, type Output, readableBytes } from './output.ts';
import { listen } from './serve.ts';
import { temporaryFolder } from './temporary.ts';

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
    output.line('Until Ctrl-C.');
    await aborted(signal);
    await sharing.close();
    throw signal.reason;
  } catch (error) {
    output.event({ event: 'failed', error: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

/** Takes the port first, so that one that is taken is known before a large file has been read. */
export async function startSharing(
  command: ShareCommand,
  output: Output,
  signal: AbortSignal,
): Promise<Sharing> {
  const server = await listen(command.port, command.host, output);
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
      throw usageError(
        `--dir is where the new feed of a file goes, and ${path} is a folder: leave --dir away`,
      );
    }
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
    const feed = await importFile({ path, file, folder: dir ?? temporary!.path }, output, signal);
    return { feed, done: async () => temporary?.remove() };
  } catch (error) {
    await temporary?.remove();
    throw error;
  }
}
