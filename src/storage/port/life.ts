/**
 * How each side of a port learns that the other is gone: most browsers do not tell when a page was closed or a
 * worker terminated. A Web Lock ends with its holder, so each side holds one of its own, and the other waits for
 * it. Where there are none, as on Node, ports tell of their end.
 */
import { aborter } from '../../stream/abort.ts';
import { holdLock, webLocks } from '../web-locks.ts';

/** A lock that is held for as long as its holder lives, or has no need of the other side any more. */
export interface Life {
  /** What the other side waits for; undefined where there are no locks. */
  readonly name: string | undefined;
  release(): void;
}

export async function holdLife(): Promise<Life> {
  const locks = webLocks();
  if (locks !== undefined) {
    const { crypto } = globalThis as unknown as { crypto: { randomUUID(): string } };
    const name = `hypercore-wire life ${crypto.randomUUID()}`;
    // A page without an origin of its own is refused.
    const lock = await holdLock(locks, name).catch(() => undefined);
    if (lock !== undefined) return { name, release: () => void lock.release() };
  }
  return { name: undefined, release: () => {} };
}

/** Calls `onGone` once the life of that name is over; the returned function stops the waiting. */
export function watchLife(name: string | undefined, onGone: () => void): () => void {
  const locks = webLocks();
  if (locks === undefined || name === undefined) return () => {};
  const stop = aborter();
  locks.request(name, { signal: stop.signal }, onGone).catch(() => {});
  return () => stop.abort();
}
