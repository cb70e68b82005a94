/**
 * A timer that knows when it is late. Timers wait in a tab that nobody looks at, while the machine sleeps, and
 * behind work that blocks the program. One that is late proves nothing against a remote: what came meanwhile may
 * still wait to be read, and what was to go out may not have gone. So whoever judges a remote by a timer gives it
 * the time once more after the first late one.
 *
 * Where the clock stands still while the machine sleeps, as `performance.now()` does on some, its timers do too,
 * and both go on where they were.
 */
import type { Clock } from './clock.ts';

/** Milliseconds past its time from which on a timer is late. */
const LATE_MS = 500;

/** Calls `fn` once after `ms`, and tells whether that is late; the returned function cancels it. */
export function timer(clock: Clock, ms: number, fn: (isLate: boolean) => void): () => void {
  const dueAt = clock.now() + ms;
  return clock.after(ms, () => fn(clock.now() >= dueAt + LATE_MS));
}
