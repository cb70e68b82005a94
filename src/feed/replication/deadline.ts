/** Watches the time while one peer owes answers: first it is slow, then it is silent. */
import type { Session } from '../../session/session.ts';
import { timer } from '../../stream/timer.ts';

/** Milliseconds without an answer after which other peers may be asked for the same blocks. */
const SLOW_MS = 2000;
/** Bytes of one frame within a deadline that count as progress: less than any slow line brings in 7.5 s. */
const PROGRESS_BYTES = 4096;
/** Idle deadlines that one answer may take with progress all along: 8 MiB in 150 s, which is 56 KB/s. */
const MAX_DEADLINES = 20;

/** When a session's remote last answered on any of its channels: they share one line. */
const answers = new WeakMap<Session, number>();

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
  #isStopped = false;
  #isSlow = false;
  /** The time was given once more, after a timer that was late. */
  #isGrace = false;
  #answeredAt = 0;
  /** The frame whose bytes last counted as progress, how many of it had come by then, and when that was. */
  #frame = { start: 0, bytes: 0, at: 0 };
  /** When something that is asked last waited for the transport. */
  #unsentAt = 0;
  /** A frame that counted as progress and was no answer. Once it may be that the answer comes right behind. */
  #wasInVain = false;

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
    answers.set(this.#session, this.#session.clock.now());
    this.restart();
  }

  /** The time counts from now. */
  restart(): void {
    this.#answeredAt = this.#session.clock.now();
    this.#wasInVain = false;
    const { start, bytes } = this.#session.arriving;
    this.#frame = { start, bytes, at: this.#answeredAt };
  }

  /** Starts the timer, unless it runs already or no answer is outstanding. */
  watch(): void {
    if (this.#cancelTimer !== undefined || !this.#watched.isWaiting()) return;
    this.#isGrace = false;
    this.restart();
    this.#arm();
  }

  /** For good: what came before the channel closed may be stored only now, and ask for more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
  }

  #arm(): void {
    if (this.#isStopped) return;
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
    const { clock, limits } = this.#session;
    const unanswered = clock.now() - this.#answeredAt;
    if (this.#watched.isBehind()) {
      this.restart();
      return false;
    }
    const mayTakeLonger = unanswered < MAX_DEADLINES * limits.idleMs && this.#watched.isReady();
    if (mayTakeLonger) this.#look();
    if (this.#watched.hasUnsent()) this.#unsentAt = clock.now();
    const progressAt = mayTakeLonger
      ? Math.max(this.#frame.at, this.#unsentAt, answers.get(this.#session) ?? 0)
      : 0;
    if (clock.now() - Math.max(this.#answeredAt, progressAt) >= limits.idleMs) {
      this.#watched.onSilent();
      return true;
    }
    if (unanswered >= SLOW_MS && this.#watched.isAsked() && !this.#isSlow) {
      this.#isSlow = true;
      this.#watched.onSlow();
    }
    return false;
  }

  /** Only one long frame counts as progress: whatever else the peer sends is no answer. */
  #look(): void {
    const { arriving, clock } = this.#session;
    if (arriving.start !== this.#frame.start) {
      const hadProgress = this.#frame.at > this.#answeredAt;
      // What came behind the last frame is where this one begins.
      this.#frame = {
        start: arriving.start,
        bytes: 0,
        at: hadProgress && !this.#wasInVain ? clock.now() : 0,
      };
      this.#wasInVain ||= hadProgress;
    }
    if (arriving.bytes - this.#frame.bytes >= PROGRESS_BYTES) this.#frame = { ...arriving, at: clock.now() };
  }
}
