/**
 * The two clocks of a session: how long nothing was received, and how long nothing was sent. One timer,
 * re-armed only when it fires, so that a message updates a number instead of a timer.
 *
 * What is received is told of in time even where timers are not (see stream/timer.ts), so keepalives ride on what
 * is received: a tab whose timers fire once a minute keeps its links.
 */
import type { Limits } from '../limits.ts';
import type { Clock } from '../stream/clock.ts';
import { timer } from '../stream/timer.ts';

/**
 * The part of `keepaliveMs` after something was sent for which what is received needs no answer: 750 ms.
 * hypercore-protocol 6 sends every 5 s, and hangs up 6.25 s after what it last got: an answer may be left out for
 * less than the 1.25 s between the two. What that costs, a byte each time, is less than what the remote sent.
 */
const UNANSWERED = 1 / 5;

/** Who is told of the time. */
export interface KeepaliveHost {
  /** The remote was silent for too long. Called once. */
  onIdle(): void;
  /** A keepalive is due. */
  onQuiet(): void;
}

export class Keepalive {
  readonly #clock: Clock;
  readonly #limits: Pick<Limits, 'idleMs' | 'keepaliveMs'>;
  readonly #unansweredMs: number;
  readonly #host: KeepaliveHost;
  #cancel: (() => void) | undefined;
  #receivedAt: number;
  #sentAt: number;
  #sending = false;
  #stopped = false;
  #suspended = false;
  /** The deadline has passed by a timer that was late, and runs a second time. */
  #isGrace = false;

  constructor(clock: Clock, limits: Pick<Limits, 'idleMs' | 'keepaliveMs'>, host: KeepaliveHost) {
    this.#clock = clock;
    this.#limits = limits;
    this.#unansweredMs = limits.keepaliveMs * UNANSWERED;
    this.#host = host;
    const now = clock.now();
    this.#receivedAt = this.#sentAt = now;
    this.#arm(now);
  }

  /** Something was received: a sign of life, and the moment to give one. */
  received(): void {
    const now = this.#clock.now();
    this.#receivedAt = now;
    this.#isGrace = false;
    if (now >= this.#sentAt + this.#unansweredMs) this.#speak(now);
  }

  /** Something was sent. Keepalives begin with the first: the reference sends none before its Feed. */
  sent(): void {
    this.#sentAt = this.#clock.now();
    this.#sending = true;
  }

  /** This side has stopped reading, so silence says nothing about the remote. */
  suspend(): void {
    this.#suspended = true;
  }

  /** This side reads again, and the remote's deadline starts over. */
  resume(): void {
    this.#suspended = false;
    this.received();
    this.#arm(this.#receivedAt);
  }

  /** No timer is left behind. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#stopped = true;
  }

  #arm(now: number): void {
    this.#cancel?.();
    if (this.#stopped) return;
    const idleAt = this.#suspended ? Number.POSITIVE_INFINITY : this.#receivedAt + this.#limits.idleMs;
    const quietAt = this.#sentAt + this.#limits.keepaliveMs;
    const ms = Math.max(0, Math.min(idleAt, quietAt) - now);
    this.#cancel = timer(this.#clock, ms, (isLate) => this.#onTimer(isLate));
  }

  #onTimer(isLate: boolean): void {
    const now = this.#clock.now();
    if (!this.#suspended && now >= this.#receivedAt + this.#limits.idleMs) {
      if (this.#isGrace || !isLate) {
        this.stop();
        this.#host.onIdle();
        return;
      }
      this.#isGrace = true;
      this.#receivedAt = now;
      this.#speak(now);
    }
    if (now >= this.#sentAt + this.#limits.keepaliveMs) this.#speak(now);
    this.#arm(now);
  }

  #speak(now: number): void {
    if (this.#stopped) return;
    // Counts as sent even if the transport cannot write, so that the next try comes a full interval later.
    this.#sentAt = now;
    if (this.#sending) this.#host.onQuiet();
  }
}
