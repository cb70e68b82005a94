/** Keeps a connection to one peer: dials, and dials again when it is lost, as often as that can help. */
import { assertInteger, describe, ProtocolError } from '../errors.ts';
import { Abort } from '../stream/abort.ts';
import type { Clock } from '../stream/clock.ts';
import { assertTransport, type Transport } from '../stream/transport.ts';
import { Backoff, worthAnotherTry } from './backoff.ts';
import type { Connection } from './connection.ts';
import { type Dial, dialWithin } from './dial.ts';
import type { ConnectionsEvent } from './events.ts';

/**
 * Milliseconds for which a link rests while another connection to its peer stands. Then it dials again: that another
 * one has the peer's id is no more than its word.
 */
const REST_MS = 600_000;

/** How a link goes on; see {@link Connections.keep}. */
export interface KeepOptions {
  /** Attempts in a row after one that failed; without end by default. */
  readonly retries?: number | undefined;
  /** Milliseconds for `dial` to connect; 15 s by default. */
  readonly dialMs?: number | undefined;
}

/** What a link does at the moment. */
export type LinkState =
  | 'dialing'
  | 'connected'
  /** Dials again after a while. */
  | 'waiting'
  /** Another connection to the same peer stands. */
  | 'resting'
  /** Dials no more. */
  | 'closed';

/** What a link needs of the connections that it is one of. */
export interface LinkHost {
  readonly clock: Clock;
  /** Opens a session; rejects if it comes to none. */
  open(transport: Transport, link: Link): Promise<Connection>;
  /** Whether there is a connection to the peer with this id (hex). */
  isConnected(id: string): boolean;
  emit(event: ConnectionsEvent): void;
}

/** How an attempt ended. */
interface End {
  readonly error: unknown;
  readonly isFinal: boolean;
  /** The peer's id, where this connection was closed properly, as one is that is not needed. */
  readonly closedTo?: string | undefined;
}

/** A way to a peer that is dialed again whenever the connection is lost. */
export class Link {
  /** Resolves when it dials no more and its connection has ended. Never rejects. */
  readonly closed: Promise<void>;
  readonly #host: LinkHost;
  readonly #dial: Dial;
  readonly #retries: number;
  readonly #dialMs: number;
  readonly #backoff = new Backoff();
  readonly #stop = new Abort();
  #state: LinkState = 'dialing';
  #connection: Connection | undefined;
  /** The peer that it rests for. */
  #restsFor: string | undefined;
  #wake: (() => void) | undefined;

  /** @internal Use `connections.keep`. */
  constructor(host: LinkHost, dial: Dial, options: KeepOptions = {}) {
    const { retries, dialMs = 15_000 } = options;
    if (typeof dial !== 'function')
      throw new TypeError(`"dial" expected a function that connects, got ${describe(dial)}`);
    if (retries !== undefined) assertInteger('retries', retries);
    assertInteger('dialMs', dialMs, 1);
    this.#host = host;
    this.#dial = dial;
    this.#retries = retries ?? Number.POSITIVE_INFINITY;
    this.#dialMs = dialMs;
    this.closed = this.#run();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The connection, while there is one. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Dials at once if it waits to dial again. */
  retry(): void {
    if (this.#state !== 'waiting') return;
    this.#backoff.reset();
    this.#wake?.();
  }

  /** Dials no more, and ends its connection. */
  close(): void {
    this.#stop.abort(new Error('the link was closed'));
    this.#wake?.();
    void this.#connection?.replication.close();
  }

  /** @internal A connection to some peer has ended. */
  peerLeft(): void {
    if (this.#restsFor !== undefined && !this.#host.isConnected(this.#restsFor)) this.#wake?.();
  }

  async #run(): Promise<void> {
    while (!this.#stop.aborted) {
      this.#state = 'dialing';
      const end = await this.#attempt();
      if (this.#stop.aborted) break;
      if (!this.#isSpare(end)) {
        if (end.isFinal || this.#backoff.attempts >= this.#retries) {
          this.#state = 'closed';
          this.#host.emit({ type: 'gave-up', link: this, error: end.error });
          return;
        }
        await this.#wait(end.error);
      }
      // The connection for which this one was closed may have come to stand only meanwhile.
      if (this.#isSpare(end) && !this.#stop.aborted) {
        await this.#rest(end.closedTo!);
        await this.#wait(end.error);
      }
    }
    this.#state = 'closed';
  }

  /** Whether the connection was closed properly, and there is another one to the same peer. */
  #isSpare({ closedTo }: End): boolean {
    return closedTo !== undefined && this.#host.isConnected(closedTo);
  }

  /** From dialing to the end of the connection. */
  async #attempt(): Promise<End> {
    let transport: Transport;
    try {
      transport = await dialWithin(this.#dial, this.#dialMs, this.#host.clock, this.#stop);
    } catch (error) {
      // What the app's own function throws may be anything, also where only the network is gone.
      return { error, isFinal: error instanceof ProtocolError && !worthAnotherTry(error) };
    }
    const onStop = (): void => transport.abort(this.#stop.reason);
    try {
      // Another attempt would give no transport again.
      assertTransport(transport);
      this.#stop.addEventListener('abort', onStop);
      if (this.#stop.aborted) onStop();
      this.#connection = await this.#host.open(transport, this);
    } catch (error) {
      return { error, isFinal: !worthAnotherTry(error) };
    } finally {
      this.#stop.removeEventListener('abort', onStop);
    }
    return await this.#follow(this.#connection);
  }

  async #follow(connection: Connection): Promise<End> {
    const { clock } = this.#host;
    const since = clock.now();
    this.#state = 'connected';
    if (this.#stop.aborted) void connection.replication.close();
    const reason = await connection.closed;
    this.#connection = undefined;
    const { downloaded, uploaded } = connection.replication.traffic;
    this.#backoff.stood(clock.now() - since, downloaded + uploaded);
    if ('error' in reason) return { error: reason.error, isFinal: !worthAnotherTry(reason.error) };
    return {
      error: new ProtocolError('transport', 'the peer hung up'),
      isFinal: false,
      closedTo: connection.id,
    };
  }

  /** Until the last connection to the peer has ended. */
  async #rest(id: string): Promise<void> {
    this.#state = 'resting';
    this.#restsFor = id;
    this.#backoff.reset();
    await this.#sleep(REST_MS);
    this.#restsFor = undefined;
  }

  async #wait(error: unknown): Promise<void> {
    if (this.#stop.aborted) return;
    this.#state = 'waiting';
    const waitMs = this.#backoff.next();
    this.#host.emit({ type: 'retry', link: this, error, attempt: this.#backoff.attempts, waitMs });
    if (!this.#stop.aborted) await this.#sleep(waitMs);
  }

  /** Until the time is over, or something wakes it. */
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#host.clock.after(ms, () => this.#wake?.());
      this.#wake = () => {
        cancel();
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
