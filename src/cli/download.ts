/** The heart of `sync`: one feed from several urls at once, until all is here or nobody can give more. */
import type { Feed, ProtocolError } from '../index.ts';
import { deferred } from '../stream/deferred.ts';
import type { BlockRange, PeerUrl, SyncCommand } from './arguments.ts';
import { CommandError, exitCodes, exitOf, firstLine, interrupted, peerReason } from './exit.ts';
import { aborted, pause } from './interruption.ts';
import { blocks, type Output } from './output.ts';
import { follow, type SourceEnd } from './source.ts';

/**
 * Milliseconds without a new block after which sources that have not ended are waited for no longer, once
 * another one has given all that is known to be.
 */
const QUIET_MS = 1000;

type Options = Pick<SyncCommand, 'urls' | 'blocks' | 'live' | 'retry'>;

/**
 * Downloads until all is here: the range, or all that the sources have. With `live`, until the signal aborts
 * or the range is here.
 * @throws CommandError where that fails; what the feed's storage throws.
 */
export async function download(
  feed: Feed,
  options: Options,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const { urls, blocks: range, live, retry } = options;
  if (range !== undefined && feed.has(range.start, range.end)) return;
  // Nobody can have more of a feed than who writes it.
  if (feed.writable && range === undefined && !live) return;

  const stop = new AbortController();
  const wanted = range && feed.download(range);
  const ends = new Map<PeerUrl, SourceEnd>();
  const gaveAll = deferred<void>();
  const isComplete = (): boolean => isHere(feed, range);

  const source = async (url: PeerUrl): Promise<void> => {
    const end = await follow(url, {
      feed,
      live,
      retry,
      signal: stop.signal,
      isComplete,
      onConnected: (peer) => {
        output.event({ event: 'connected', url: url.text, peer });
        output.note(`${url.text}: connected`);
      },
      onRetry: (error, attempt, waitMs) => {
        output.event({ event: 'retry', url: url.text, error: firstLine(error), attempt, waitMs });
        output.note(`${url.text}: ${firstLine(error)}; attempt ${attempt} of ${retry} in ${waitMs / 1000} s`);
      },
    });
    ends.set(url, end);
    if (end.state === 'failed') output.event({ event: 'lost', url: url.text, error: firstLine(end.error) });
    if (end.state === 'ended' && isComplete()) gaveAll.resolve();
  };

  const sources = Promise.all(urls.map(source));
  const onAbort = (): void => stop.abort(signal.reason);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    const enough = range === undefined ? gaveAll.promise.then(() => quiet(feed, stop.signal)) : wanted!.done;
    await Promise.race([sources, enough, aborted(stop.signal)]);
  } finally {
    stop.abort();
    signal.removeEventListener('abort', onAbort);
    wanted?.cancel();
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

/** Whether the range is here, or all that is known to be. */
function isHere(feed: Feed, range: BlockRange | undefined): boolean {
  const { start, end } = range ?? { start: 0, end: feed.length };
  return start === end || feed.has(start, end);
}

/** Resolves when all is here and nothing has come for a while. */
async function quiet(feed: Feed, signal: AbortSignal): Promise<void> {
  let lastAt = performance.now();
  const unsubscribe = feed.subscribe((event) => {
    if (event.type === 'download') lastAt = performance.now();
  });
  try {
    while (!signal.aborted) {
      const left = lastAt + QUIET_MS - performance.now();
      if (left <= 0 && isHere(feed, undefined)) return;
      await pause(Math.max(left, QUIET_MS / 10), signal);
    }
  } finally {
    unsubscribe();
  }
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
