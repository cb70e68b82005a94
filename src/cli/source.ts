/** One url of `sync`: dialed, replicated from, and dialed again where that can help. */
import { Backoff } from '../connections/backoff.ts';
import { type Dial, dialWithin } from '../connections/dial.ts';
import {
  type Clock,
  type Feed,
  ProtocolError,
  type Replication,
  replicate,
  type Transport,
  toHex,
  worthAnotherTry,
} from '../index.ts';
import { systemClock } from '../stream/clock.ts';
import { dialTcp, dialWebSocket } from '../transport/node.ts';
import type { BlockRange } from './arguments.ts';
import { pause } from './process.ts';
import type { PeerUrl } from './words.ts';

/** Milliseconds until a connection must stand: as long as a peer may be silent later. */
const DIAL_MS = 7500;
/** Milliseconds without a new block after which a download that has everything waits no longer. */
const QUIET_MS = 1000;

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
  /** What is wanted; `undefined` for all that there is. */
  readonly range: BlockRange | undefined;
  readonly live: boolean;
  /** Attempts after one that failed. */
  readonly retry: number;
  readonly signal: AbortSignal;
  /** The time that the sessions go by; default the system's. */
  readonly clock: Clock | undefined;
  onConnected(peer: string): void;
  onRetry(error: ProtocolError, attempt: number, waitMs: number): void;
}

/**
 * Takes from a url until it has nothing more, fails for good, or the signal aborts.
 *
 * That a peer has nothing more is no more than its word, which may have been garbled on the way. A signature
 * over a greater length than before confirms it. Without one, the peer is asked a second time.
 * @throws What is this machine's fault and not the peer's, such as a StorageError.
 */
export async function follow(url: PeerUrl, options: SourceOptions): Promise<SourceEnd> {
  const { feed, range, retry, signal, onRetry } = options;
  const { length } = feed;
  let hasSaidSo = range !== undefined;
  const backoff = new Backoff();
  for (;;) {
    const end = await attempt(url, options, backoff);
    if (signal.aborted) return { state: 'stopped' };
    if (end.state === 'ended') {
      if (hasSaidSo || feed.length > length) return end;
      hasSaidSo = true;
      continue;
    }
    if (end.state === 'stopped') return end;
    if (backoff.attempts >= retry || !worthAnotherTry(end.error)) return end;
    const waitMs = backoff.next();
    onRetry(end.error, backoff.attempts, waitMs);
    await pause(waitMs, signal);
    if (signal.aborted) return { state: 'stopped' };
  }
}

/** Whether the range is here, or all that is known to be. */
export function isHere(feed: Feed, range: BlockRange | undefined): boolean {
  const { start, end } = range ?? { start: 0, end: feed.length };
  return start === end || feed.has(start, end);
}

/** Resolves when all is here and nothing has come for a while. */
export async function quiet(feed: Feed, signal: AbortSignal): Promise<void> {
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

async function attempt(url: PeerUrl, options: SourceOptions, backoff: Backoff): Promise<SourceEnd> {
  const { feed, range, live, signal, clock, onConnected } = options;
  const over = new AbortController();
  let replication: Replication | undefined;
  let connectedAt = 0;
  // A live feed has no end.
  const wanted = live && range === undefined ? undefined : feed.download(range);
  let hasAll = false;
  const complete = wanted?.done.then(() => {
    hasAll = true;
    // The peer ends the session when it has nothing more either. One that does not is not waited for.
    return range === undefined ? quiet(feed, over.signal) : undefined;
  });
  complete?.catch(() => {});
  try {
    replication = await replicate(await dial(url, signal), { feeds: feed, live, signal, clock });
    connectedAt = performance.now();
    onConnected(toHex(replication.session.remote.id));
    const reason = await Promise.race([replication.closed, ...(complete === undefined ? [] : [complete])]);
    if (typeof reason === 'object') {
      if ('error' in reason) throw reason.error;
      if (live) throw new ProtocolError('transport', 'the peer hung up: check that it still runs');
      // It may have been stopped, and have more.
      if (reason.code === 'remote-closed' && !(hasAll && isHere(feed, range)))
        throw new ProtocolError(
          'transport',
          'the peer hung up before all was here: check that it still runs',
        );
    }
    return { state: 'ended' };
  } catch (error) {
    if (signal.aborted) return { state: 'stopped' };
    if (!(error instanceof ProtocolError)) throw error;
    return { state: 'failed', error };
  } finally {
    over.abort();
    wanted?.cancel();
    if (replication !== undefined) {
      backoff.stood(performance.now() - connectedAt, replication.traffic.downloaded);
      replication.abort();
    }
  }
}

/** Connects, or gives up after {@link DIAL_MS}: a host that is off answers nothing at all. */
function dial(url: PeerUrl, stop: AbortSignal): Promise<Transport> {
  const connect: Dial = (signal) =>
    url.scheme === 'tcp' ? dialTcp(url.port, url.host, signal) : dialWebSocket(url.text, { signal });
  return dialWithin(connect, DIAL_MS, systemClock(), stop);
}
