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
  /** Called once, with the error where there is one. */
  onEnd(error: unknown): void;
}

export class Ending {
  readonly #clock: Clock;
  readonly #limits: Pick<Limits, 'idleMs'>;
  readonly #host: EndingHost;
  #closed: Deferred<CloseReason> | undefined;
  #closing: 'closed' | 'remote-closed' | undefined;
  #hasSentAll = false;
  #hasRemoteEnded = false;
  /** Why it is over. */
  #reason: CloseReason | undefined;
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
      if (this.#reason !== undefined) this.#closed.resolve(this.#reason);
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

  /** What the remote ended it by, where it was at fault. */
  get fault(): ProtocolError | undefined {
    return this.#reason?.code === 'failed' ? this.#reason.error : undefined;
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

  /** Ends at once. The first reason counts. */
  end(reason: CloseReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#cancelDeadline?.();
    this.#host.onEnd('error' in reason ? reason.error : undefined);
    this.#closed?.resolve(reason);
  }

  #check(): void {
    if (this.#closing !== undefined && this.#hasSentAll && this.#hasRemoteEnded)
      this.end({ code: this.#closing });
  }

  #armDeadline(isGrace = false): void {
    this.#cancelDeadline?.();
    const { idleMs } = this.#limits;
    this.#cancelDeadline = timer(this.#clock, idleMs, (isLate) => {
      if (isLate && !isGrace) return this.#armDeadline(true);
      if (this.#hasSentAll) return this.end({ code: this.#closing! });
      this.end({
        code: 'failed',
        error: new ProtocolError(
          'timeout',
          `the remote took nothing for ${idleMs / 1000} s, and not all was sent: reconnect and send it again`,
        ),
      });
    });
  }
}
