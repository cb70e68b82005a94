/**
 * The two clocks of a session: how long nothing was received, and how long nothing was sent. One timer,
 * re-armed only when it fires, so that a message updates a number instead of a timer.
 */
import type { Limits } from '../limits.ts';
import type { Clock } from '../stream/clock.ts';

export class Keepalive {
  readonly #clock: Clock;
  readonly #limits: Pick<Limits, 'idleMs' | 'keepaliveMs'>;
  readonly #onIdle: () => void;
  readonly #onQuiet: () => void;
  #cancel: (() => void) | undefined;
  #receivedAt: number;
  #sentAt: number;
  #sending = false;
  #suspended = false;

  /** `onIdle` is called once, when the remote was silent for too long; `onQuiet` whenever a keepalive is due. */
  constructor(
    clock: Clock,
    limits: Pick<Limits, 'idleMs' | 'keepaliveMs'>,
    onIdle: () => void,
    onQuiet: () => void,
  ) {
    this.#clock = clock;
    this.#limits = limits;
    this.#onIdle = onIdle;
    this.#onQuiet = onQuiet;
    this.#receivedAt = this.#sentAt = clock.now();
    this.#arm();
  }

  /** Something was received. */
  received(): void {
    this.#receivedAt = this.#clock.now();
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
    this.#onTimer = () => {};
  }

  #arm(): void {
    this.#cancel?.();
    const idleAt = this.#suspended ? Number.POSITIVE_INFINITY : this.#receivedAt + this.#limits.idleMs;
    const quietAt = this.#sending ? this.#sentAt + this.#limits.keepaliveMs : Number.POSITIVE_INFINITY;
    const next = Math.min(idleAt, quietAt);
    if (next === Number.POSITIVE_INFINITY) this.#cancel = undefined;
    else this.#cancel = this.#clock.after(Math.max(0, next - this.#clock.now()), () => this.#onTimer());
  }

  #onTimer = (): void => {
    const now = this.#clock.now();
    if (!this.#suspended && now >= this.#receivedAt + this.#limits.idleMs) {
      this.stop();
      this.#onIdle();
      return;
    }
    if (this.#sending && now >= this.#sentAt + this.#limits.keepaliveMs) {
      // Counts as sent even if the transport cannot write, so that the next try comes a full interval later.
      this.#sentAt = now;
      this.#onQuiet();
    }
    this.#arm();
  };
}
