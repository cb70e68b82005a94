/**
 * The two clocks of a session: how long nothing was received, and how long nothing was sent. One timer,
 * re-armed only when it fires, so that a message updates a number instead of a timer.
 *
 * A timer may fire a minute late: in a tab that nobody looks at, on a machine that slept, behind work that
 * blocked the program. What is received is told of in time even there. So keepalives ride on what is received,
 * and a timer that is late proves nothing against the remote. Where the clock stands still while the machine
 * sleeps, as `performance.now()` does on some, the timer does too, and both go on where they were: a remote
 * that is gone is found out within one deadline of being awake.
 */
import type { Limits } from '../limits.ts';
import type { Clock } from '../stream/clock.ts';

/**
 * The part of `keepaliveMs` for which what is received needs no answer, and for which a timer is not late: 750 ms.
 * hypercore-protocol 6 sends every 5 s, and hangs up 6.25 s after what it last got. An answer may thus be left
 * out for less than the 1.25 s between the two. Two peers that answer each other say no more than a byte each
 * time.
 */
const SLACK = 1 / 5;

export class Keepalive {
  readonly #clock: Clock;
  readonly #limits: Pick<Limits, 'idleMs' | 'keepaliveMs'>;
  readonly #slackMs: number;
  readonly #onIdle: () => void;
  readonly #onQuiet: () => void;
  #cancel: (() => void) | undefined;
  /** When the timer should fire. */
  #dueAt = 0;
  #receivedAt: number;
  #sentAt: number;
  #sending = false;
  #suspended = false;
  /** The deadline has passed once, by a timer that was late, and runs a second time. */
  #isGrace = false;

  /** `onIdle` is called once, when the remote was silent for too long; `onQuiet` whenever a keepalive is due. */
  constructor(
    clock: Clock,
    limits: Pick<Limits, 'idleMs' | 'keepaliveMs'>,
    onIdle: () => void,
    onQuiet: () => void,
  ) {
    this.#clock = clock;
    this.#limits = limits;
    this.#slackMs = limits.keepaliveMs * SLACK;
    this.#onIdle = onIdle;
    this.#onQuiet = onQuiet;
    this.#receivedAt = this.#sentAt = clock.now();
    this.#arm();
  }

  /** Something was received: a sign of life, and the moment to give one. */
  received(): void {
    const now = this.#clock.now();
    this.#receivedAt = now;
    this.#isGrace = false;
    if (now >= this.#sentAt + this.#slackMs) this.#speak(now);
  }

  /** Something was sent. Keepalives begin with the first: the reference sends none before its Feed. */
  sent(): void {
    this.#sentAt = this.#clock.now();
    if (this.#sending) return;
    this.#sending = true;
    this.#arm();
  }

  /** This side has stopped reading, so silence says nothing about the remote. */
  suspend(): void {
    this.#suspended = true;
  }

  /** This side reads again, and the remote's deadline starts over. */
  resume(): void {
    this.#suspended = false;
    this.received();
    this.#arm();
  }

  /** No timer is left behind. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#sending = false;
    this.#onTimer = () => {};
  }

  #arm(): void {
    this.#cancel?.();
    const idleAt = this.#suspended ? Number.POSITIVE_INFINITY : this.#receivedAt + this.#limits.idleMs;
    const quietAt = this.#sending ? this.#sentAt + this.#limits.keepaliveMs : Number.POSITIVE_INFINITY;
    this.#dueAt = Math.min(idleAt, quietAt);
    if (this.#dueAt === Number.POSITIVE_INFINITY) this.#cancel = undefined;
    else
      this.#cancel = this.#clock.after(Math.max(0, this.#dueAt - this.#clock.now()), () => this.#onTimer());
  }

  #onTimer = (): void => {
    const now = this.#clock.now();
    if (!this.#suspended && now >= this.#receivedAt + this.#limits.idleMs) {
      if (this.#isGrace || now < this.#dueAt + this.#slackMs) {
        this.stop();
        this.#onIdle();
        return;
      }
      // What came meanwhile may wait in the platform's buffers, and the remote can answer. A second time, late
      // or not, ends it.
      this.#isGrace = true;
      this.#receivedAt = now;
      this.#speak(now);
    }
    if (now >= this.#sentAt + this.#limits.keepaliveMs) this.#speak(now);
    this.#arm();
  };

  #speak(now: number): void {
    if (!this.#sending) return;
    // Counts as sent even if the transport cannot write, so that the next try comes a full interval later.
    this.#sentAt = now;
    this.#onQuiet();
  }
}
