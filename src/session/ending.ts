/**
 * How a session comes to its end: each direction in its own time, or both at once. Waits no longer
 * than the idle deadline for a remote that stops taking what is queued, or that does not end after us.
 */
import { ProtocolError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { Clock } from '../stream/clock.ts';
import { type Deferred, deferred } from '../stream/deferred.ts';
import { timer } from '../stream/timer.ts';

/** Why a session ended. */
export type CloseReason =
  /** Both sides have ended: this one first, or the remote first. */
  | { readonly code: 'closed' | 'remote-closed' }
  /** The remote, or the connection to it, is at fault. */
  | { readonly code: 'failed'; readonly error: ProtocolError }
  /** This program ended it: by `abort`, by its signal, or by an error of its own. */
  | { readonly code: 'aborted'; readonly error: unknown };

/** Who is told of it. */
export interface EndingHost {
  /** Called once, with what the transport is to be told. */
  onEnd(cause: unknown): void;
}

export class Ending {
  readonly #clock: Clock;
  readonly #limits: Pick<Limits, 'idleMs'>;
  readonly #host: EndingHost;
  #closed: Deferred<CloseReason> | undefined;
  #closing: 'closed' | 'remote-closed' | undefined;
  #hasSentAll = false;
  #hasRemoteEnded = false;
  /** Why it is over. Made for the first who asks: an error takes longer than the rest of an end. */
  #reason: CloseReason | (() => CloseReason) | undefined;
  #cancelDeadline: (() => void) | undefined;

  constructor(clock: Clock, limits: Pick<Limits, 'idleMs'>, host: EndingHost) {
    this.#clock = clock;
    this.#limits = limits;
    this.#host = host;
  }

  /** Resolves when it is over. Never rejects. */
  get closed(): Promise<CloseReason> {
    if (this.#closed === undefined) {
      this.#closed = deferred();
      const reason = this.#told;
      if (reason !== undefined) this.#closed.resolve(reason);
    }
    return this.#closed.promise;
  }

  /** Neither side has ended, nor begun to. */
  get isOpen(): boolean {
    return this.#closing === undefined && this.#reason === undefined;
  }

  get isOver(): boolean {
    return this.#reason !== undefined;
  }

  /** What it ended by, where that was an error. */
  get error(): unknown {
    const reason = this.#told;
    return reason !== undefined && 'error' in reason ? reason.error : undefined;
  }

  /** What the remote ended it by, where it was at fault. */
  get fault(): ProtocolError | undefined {
    const reason = this.#told;
    return reason?.code === 'failed' ? reason.error : undefined;
  }

  get #told(): CloseReason | undefined {
    if (typeof this.#reason === 'function') this.#reason = this.#reason();
    return this.#reason;
  }

  /** This side accepts nothing new and sends what is queued. False if it was ending already. */
  begin(code: 'closed' | 'remote-closed'): boolean {
    if (!this.isOpen) return false;
    this.#closing = code;
    this.#armDeadline();
    return true;
  }

  /** The remote has taken some of what was queued. */
  progress(): void {
    if (this.#closing !== undefined && this.#reason === undefined) this.#armDeadline();
  }

  /** Everything queued is sent. */
  sentAll(): void {
    this.#hasSentAll = true;
    this.progress();
    this.#check();
  }

  /** The remote has ended its direction. */
  remoteEnded(): void {
    this.#hasRemoteEnded = true;
    this.#check();
  }

  /** Ends at once, for what `reason` makes. The first one counts. `cause` is what the transport is told. */
  end(reason: () => CloseReason, cause?: unknown): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#cancelDeadline?.();
    this.#host.onEnd(cause);
    if (this.#closed !== undefined) this.#closed.resolve(this.#told!);
  }

  #check(): void {
    const code = this.#closing;
    if (code !== undefined && this.#hasSentAll && this.#hasRemoteEnded) this.end(() => ({ code }));
  }

  #armDeadline(isGrace = false): void {
    this.#cancelDeadline?.();
    const { idleMs } = this.#limits;
    this.#cancelDeadline = timer(this.#clock, idleMs, (isLate) => {
      if (isLate && !isGrace) return this.#armDeadline(true);
      if (this.#hasSentAll) return this.end(() => ({ code: this.#closing! }));
      const error = new ProtocolError(
        'timeout',
        `the remote took nothing for ${idleMs / 1000} s, and not all was sent: reconnect and send it again`,
      );
      this.end(() => ({ code: 'failed', error }), error);
    });
  }
}
