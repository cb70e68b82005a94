/**
 * What the feeds of each remote may still cost. A channel is no measure of that: the remote can open it anew as often
 * as it likes, and would begin with a full burst each time.
 */
import type { Session } from '../session/session.ts';
import type { Clock } from '../stream/clock.ts';

export class Budgets<Budget> {
  readonly #make: (clock: Clock) => Budget;
  readonly #sessions = new WeakMap<Session, Map<string, Budget>>();

  /** `make` is called for each feed of each session. */
  constructor(make: (clock: Clock) => Budget) {
    this.#make = make;
  }

  /** That of the feed `name` in a session, whose remote opens `limits.channels` feeds at most. */
  of(session: Session, name: string): Budget {
    let feeds = this.#sessions.get(session);
    if (feeds === undefined) this.#sessions.set(session, (feeds = new Map()));
    let budget = feeds.get(name);
    if (budget === undefined) feeds.set(name, (budget = this.#make(session.clock)));
    return budget;
  }
}
