/** One url of `sync`: dialed, replicated from, and dialed again where that can help. */
import { type Feed, ProtocolError, type Replication, replicate, toHex } from '../index.ts';
import type { Transport } from '../stream/transport.ts';
import { dialTcp } from '../transport/node.ts';
import type { PeerUrl } from './arguments.ts';
import { worthAnotherTry } from './exit.ts';
import { pause } from './interruption.ts';

/** Milliseconds until a connection must stand: as long as a peer may be silent later. */
const DIAL_MS = 7500;
/** Milliseconds before the first new attempt; each further one waits twice as long. */
const BACKOFF_MS = 250;
const MAX_BACKOFF_MS = 30_000;
/** Milliseconds after which a connection counts as one that worked: the attempts are counted anew. */
const STEADY_MS = 10_000;

/** How a source came to its end. */
export type SourceEnd =
  /** It has nothing more for us. */
  | { readonly state: 'ended' }
  /** No further attempt is left, or none can help. */
  | { readonly state: 'failed'; readonly error: ProtocolError }
  /** The signal told so. */
  | { readonly state: 'stopped' };

export interface SourceOptions {
  readonly feed: Feed;
  readonly live: boolean;
  /** Attempts after one that failed. */
  readonly retry: number;
  readonly signal: AbortSignal;
  /** Whether all that is wanted, as far as anyone knows, is here. */
  isComplete(): boolean;
  onConnected(peer: string): void;
  onRetry(error: ProtocolError, attempt: number, waitMs: number): void;
}

/**
 * Takes from a url until it has nothing more, fails for good, or the signal aborts.
 * @throws What is this machine's fault and not the peer's, such as a StorageError.
 */
export async function follow(url: PeerUrl, options: SourceOptions): Promise<SourceEnd> {
  const { retry, signal, onRetry } = options;
  for (let failures = 0; ; ) {
    const { end, hasWorked } = await attempt(url, options);
    if (signal.aborted) return { state: 'stopped' };
    if (end.state !== 'failed') return end;
    if (hasWorked) failures = 0;
    if (failures >= retry || !worthAnotherTry(end.error)) return end;
    const waitMs = Math.min(BACKOFF_MS * 2 ** failures, MAX_BACKOFF_MS);
    failures++;
    onRetry(end.error, failures, waitMs);
    await pause(waitMs, signal);
    if (signal.aborted) return { state: 'stopped' };
  }
}

/** `hasWorked`: it brought a block, or stood for a while. */
async function attempt(
  url: PeerUrl,
  options: SourceOptions,
): Promise<{ end: SourceEnd; hasWorked: boolean }> {
  const { feed, live, signal, isComplete, onConnected } = options;
  let replication: Replication | undefined;
  let connectedAt = Number.POSITIVE_INFINITY;
  let stored = 0;
  const unsubscribe = feed.subscribe((event) => {
    if (event.type === 'download' && event.peer.channel.session === replication?.session) stored++;
  });
  const ended = (end: SourceEnd): { end: SourceEnd; hasWorked: boolean } => ({
    end,
    hasWorked: stored > 0 || performance.now() - connectedAt > STEADY_MS,
  });
  try {
    replication = await replicate(await dial(url, signal), { feeds: feed, live, signal });
    connectedAt = performance.now();
    onConnected(toHex(replication.session.remote.id));
    const reason = await replication.closed;
    if ('error' in reason) throw reason.error;
    // A live feed has no end. Otherwise who hangs up first may be a peer that was stopped, and had more.
    if (live || (reason.code === 'remote-closed' && !isComplete())) {
      throw new ProtocolError(
        'transport',
        live ? 'the peer hung up' : 'the peer hung up before all was here',
      );
    }
    return ended({ state: 'ended' });
  } catch (error) {
    if (signal.aborted) return ended({ state: 'stopped' });
    if (!(error instanceof ProtocolError)) throw error;
    return ended({ state: 'failed', error });
  } finally {
    unsubscribe();
  }
}

/** Connects, or gives up after {@link DIAL_MS}: a host that is off answers nothing at all. */
async function dial({ host, port }: PeerUrl, signal: AbortSignal): Promise<Transport> {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(signal.reason);
  const timer = setTimeout(() => {
    controller.abort(
      new ProtocolError('timeout', `nothing answered at ${host}:${port} within ${DIAL_MS / 1000} s`),
    );
  }, DIAL_MS);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    return await dialTcp(port, host, controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
