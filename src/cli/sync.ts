/** `sync`: a feed from other peers, into a folder, a file, or both. */
import { Feed, StorageError } from '../index.ts';
import { nodeStorage } from '../storage/node.ts';
import type { BlockRange, SyncCommand } from './arguments.ts';
import { download } from './download.ts';
import { asCommandError, interrupted, machineError } from './exit.ts';
import { openOut } from './out-file.ts';
import { blocks, type Output, readableBytes } from './output.ts';
import { Tally } from './tally.ts';
import { temporaryFolder } from './temporary.ts';

/**
 * Downloads, verifies and stores. Tells the outcome in a last line.
 * @throws CommandError where not all that is wanted is verified and stored.
 */
export async function sync(command: SyncCommand, output: Output, signal: AbortSignal): Promise<void> {
  const tally = new Tally();
  try {
    await run(command, tally, output, signal);
  } catch (error) {
    const end = asCommandError(error);
    output.event({ event: 'failed', ...tally.summary(), error: end.message });
    throw end;
  }
  const summary = tally.summary();
  output.event({ event: 'done', ...summary });
  const { downloaded, length, seconds } = summary;
  output.line(
    downloaded === 0
      ? `Nothing was missing here of the feed's ${blocks(length)}.`
      : `Verified ${blocks(downloaded)} (${readableBytes(summary.bytes)}) of the feed's ${length} in ${seconds} s.`,
  );
  if (command.out !== undefined && command.out !== '-') output.line(`Wrote ${command.out}.`);
}

async function run(command: SyncCommand, tally: Tally, output: Output, signal: AbortSignal): Promise<void> {
  const { key, dir, out, blocks: range } = command;
  const temporary = dir === undefined ? await temporaryFolder() : undefined;
  const folder = dir ?? temporary!.path;
  try {
    const feed = await Feed.open(nodeStorage(folder), { key, sparse: range !== undefined });
    try {
      // Before anything is downloaded: what cannot be written later is better said now.
      const file = out === undefined ? undefined : await openOut(out, dir);
      try {
        await tally.watch(feed, range, output);
        await download(feed, command, output, signal);
        tally.stop();
        await file?.fill(bytes(feed, range ?? { start: 0, end: feed.length }, signal));
      } finally {
        tally.stop();
        await file?.discard();
      }
    } finally {
      await feed.close();
    }
  } catch (error) {
    throw error instanceof StorageError ? machineError(folder, error) : error;
  } finally {
    await temporary?.remove();
  }
}

async function* bytes(
  feed: Feed,
  { start, end }: BlockRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let index = start; index < end; index++) {
    if (signal.aborted) throw interrupted();
    yield await feed.get(index, { wait: false });
  }
}
