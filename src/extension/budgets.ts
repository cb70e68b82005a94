/**
 * What the feeds of each remote may still cost. A channel is no measure of that: the remote can open it anew as often
 * as it likes, and would begin with a full burst each time.
 */
import type { Session } from '../session/session.ts';
import type { Clock } from '../stream/clock.ts';

/** In place of a name, for the feeds of a session past as many as it can have open at once. */
const OTHERS = '';

export class Budgets<Budget> {
  readonly #make: (clock: Clock) => Budget;
  readonly #sessions = new WeakMap<Session, Map<string, Budget>>();

  /** `make` is called for each feed of each session. */
  constructor(make: (clock: Clock) => Budget) {
    this.#make = make;
  }

  /** That of the feed `name` in a session. Past `limits.channels` feeds, all others have one together. */
  of(session: Session, name: string): Budget {
    let feeds = this.#sessions.get(session);
    if (feeds === undefined) this.#sessions.set(session, (feeds = new Map()));
    const place = feeds.has(name) || feeds.size < session.limits.channels ? name : OTHERS;
    let budget = feeds.get(place);
    if (budget === undefined) feeds.set(place, (budget = this.#make(session.clock)));
    return budget;
  }
}
