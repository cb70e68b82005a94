/** Watches the time while one peer owes answers: first it is slow, then it is silent. */
import type { Session } from '../../session/session.ts';
import { timer } from '../../stream/timer.ts';

/** Milliseconds without an answer after which other peers may be asked for the same blocks. */
const SLOW_MS = 2000;
/** Received bytes that count as progress: more than keepalives, less than any slow line brings in 7.5 s. */
const PROGRESS_BYTES = 512;
/** Idle deadlines that one answer may take with progress all along: 8 MiB in 150 s, which is 56 KB/s. */
const MAX_DEADLINES = 20;

/** What is watched. */
export interface Watched {
  /** Whether any answer is outstanding. */
  isWaiting(): boolean;
  /** Whether a requested block is outstanding. */
  isAsked(): boolean;
  /** Whether this side is the one that does not read. */
  isBehind(): boolean;
  /** Whether what is asked still waits for the transport. */
  hasUnsent(): boolean;
  /** Whether the remote takes part at all, so that its bytes count as progress. */
  isReady(): boolean;
  /** No answer for a while: others may be asked too. */
  onSlow(): void;
  /** No answer within the deadline. */
  onSilent(): void;
}

export class Deadline {
  readonly #session: Session;
  readonly #watched: Watched;
  #cancelTimer: (() => void) | undefined;
  #isSlow = false;
  /** The time was given once more, after a timer that was late. */
  #isGrace = false;
  #answeredAt = 0;
  /** When bytes last came in, and how many had come by then. */
  #progressAt = 0;
  #progressBytes = 0;

  constructor(session: Session, watched: Watched) {
    this.#session = session;
    this.#watched = watched;
  }

  /** Whether the peer owes a block for so long that others are asked for it. */
  get isSlow(): boolean {
    return this.#isSlow;
  }

  /** An answer came. */
  answered(): void {
    this.#isSlow = false;
    this.#isGrace = false;
    this.restart();
  }

  /** The time counts from now. */
  restart(): void {
    this.#answeredAt = this.#session.clock.now();
    this.#progressed();
  }

  /** Starts the timer, unless it runs already or no answer is outstanding. */
  watch(): void {
    if (this.#cancelTimer !== undefined || !this.#watched.isWaiting()) return;
    this.#isGrace = false;
    this.restart();
    this.#arm();
  }

  stop(): void {
    this.#cancelTimer?.();
  }

  #arm(): void {
    this.#cancelTimer = timer(this.#session.clock, SLOW_MS / 4, (isLate) => {
      this.#cancelTimer = undefined;
      if (isLate && !this.#isGrace) {
        this.#isGrace = true;
        this.restart();
      }
      if (this.#watched.isWaiting() && !this.#isOver()) this.#arm();
    });
  }

  /** Looks at the time; true where the deadline has passed. */
  #isOver(): boolean {
    const { clock, limits, receivedBytes } = this.#session;
    const unanswered = clock.now() - this.#answeredAt;
    if (this.#watched.isBehind()) {
      this.restart();
      return false;
    }
    const hasProgress = this.#watched.hasUnsent() || receivedBytes - this.#progressBytes >= PROGRESS_BYTES;
    if (hasProgress && this.#watched.isReady() && unanswered < MAX_DEADLINES * limits.idleMs)
      this.#progressed();
    if (clock.now() - this.#progressAt >= limits.idleMs) {
      this.#watched.onSilent();
      return true;
    }
    if (unanswered >= SLOW_MS && this.#watched.isAsked() && !this.#isSlow) {
      this.#isSlow = true;
      this.#watched.onSlow();
    }
    return false;
  }

  #progressed(): void {
    this.#progressAt = this.#session.clock.now();
    this.#progressBytes = this.#session.receivedBytes;
  }
}
