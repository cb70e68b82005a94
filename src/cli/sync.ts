/** `sync`: a feed from other peers, into a folder, a file, or both. */
import { type Clock, Feed, type ProtocolError, StorageError } from '../index.ts';
import { nodeStorage } from '../storage/node.ts';
import type { BlockRange, SyncCommand } from './arguments.ts';
import {
  asCommandError,
  CommandError,
  exitCodes,
  exitOf,
  interrupted,
  machineError,
  peerReason,
  reasonOf,
} from './exit.ts';
import { openOut } from './out-file.ts';
import { blocks, type Output, readableBytes, Tally } from './output.ts';
import { aborted, temporaryFolder } from './process.ts';
import { follow, isHere, quiet, type SourceEnd } from './source.ts';
import type { PeerUrl } from './words.ts';

/**
 * Downloads, verifies and stores. Tells the outcome in a last line. `clock` is the time that sessions go by.
 * @throws CommandError unless all that is wanted is verified and stored.
 */
export async function sync(
  command: SyncCommand,
  output: Output,
  signal: AbortSignal,
  clock?: Clock,
): Promise<void> {
  const tally = new Tally();
  try {
    await run(command, tally, output, signal, clock);
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

async function run(
  command: SyncCommand,
  tally: Tally,
  output: Output,
  signal: AbortSignal,
  clock: Clock | undefined,
): Promise<void> {
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
        await download(feed, command, output, signal, clock);
        tally.stop();
        await file?.fill(bytes(feed, range ?? { start: 0, end: feed.length }, signal));
      } finally {
        await file?.discard();
      }
    } finally {
      await feed.close();
      // Only now: until the feed is closed, blocks that have arrived are still being stored.
      tally.stop();
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

/**
 * Downloads until all is here: the range, or all that the sources have. With `live`, until the signal aborts
 * or the range is here.
 * @throws CommandError where that fails; what the feed's storage throws.
 */
async function download(
  feed: Feed,
  { urls, blocks: range, live, retry }: SyncCommand,
  output: Output,
  signal: AbortSignal,
  clock: Clock | undefined,
): Promise<void> {
  if (range !== undefined && feed.has(range.start, range.end)) return;
  // Nobody has more of a feed than its owner.
  if (feed.writable && range === undefined && !live) return;

  const stop = new AbortController();
  const ends = new Map<PeerUrl, SourceEnd>();
  let onGaveAll!: () => void;
  const gaveAll = new Promise<void>((resolve) => {
    onGaveAll = resolve;
  });

  const source = async (url: PeerUrl): Promise<void> => {
    const end = await follow(url, {
      feed,
      range,
      live,
      retry,
      signal: stop.signal,
      clock,
      onConnected: (peer) => {
        output.event({ event: 'connected', url: url.text, peer });
        output.note(`${url.text}: connected`);
      },
      onRetry: (error, attempt, waitMs) => {
        output.event({ event: 'retry', url: url.text, error: reasonOf(error), attempt, waitMs });
        output.note(`${url.text}: ${reasonOf(error)}; attempt ${attempt} of ${retry} in ${waitMs / 1000} s`);
      },
    });
    ends.set(url, end);
    if (end.state === 'failed') output.event({ event: 'lost', url: url.text, error: reasonOf(end.error) });
    if (end.state === 'ended' && isHere(feed, range)) onGaveAll();
  };

  const sources = Promise.all(urls.map(source));
  const onAbort = (): void => stop.abort(signal.reason);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    // When one source has given everything, the others have a moment to tell of more.
    const enough = gaveAll.then(() => (range === undefined ? quiet(feed, stop.signal) : undefined));
    await Promise.race([sources, enough, aborted(stop.signal)]);
  } finally {
    stop.abort();
    signal.removeEventListener('abort', onAbort);
    await sources.catch(() => {});
  }
  if (
    isHere(feed, range) &&
    (range !== undefined || [...ends.values()].some(({ state }) => state === 'ended'))
  )
    return;
  if (signal.aborted) throw interrupted();
  throw failure(feed, range, ends);
}

/** Why not all is here, in one line. */
function failure(
  feed: Feed,
  range: BlockRange | undefined,
  ends: ReadonlyMap<PeerUrl, SourceEnd>,
): CommandError {
  const failed: { url: string; error: ProtocolError }[] = [];
  let hasEnded = false;
  for (const [url, end] of ends) {
    if (end.state === 'failed') failed.push({ url: url.text, error: end.error });
    if (end.state === 'ended') hasEnded = true;
  }
  const reasons = failed.map(({ url, error }) => peerReason(url, error));
  const lies = failed.filter(({ error }) => exitOf(error) === exitCodes.verification);
  if (hasEnded && lies.length === 0) reasons.unshift(shortage(feed, range));
  return new CommandError(
    lies.length > 0 ? exitCodes.verification : exitCodes.peers,
    reasons.join('; '),
    failed[0]?.error,
  );
}

/** What the peers that ended well did not have. */
function shortage(feed: Feed, range: BlockRange | undefined): string {
  const { start, end } = range ?? { start: 0, end: feed.length };
  if (feed.length < end && range !== undefined) {
    return `the feed has ${blocks(feed.length)} as far as these peers tell, so --blocks ${start}..${end} goes past its end`;
  }
  const missing = end - start - feed.count(start, end);
  return `no peer has ${missing} of the ${blocks(end - start)}: add the url of another peer`;
}
