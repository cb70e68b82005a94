/** One connection of several to feeds' peers. */
import { toHex } from '../crypto/hex.ts';
import type { Replication } from '../feed/replication/replicate.ts';
import type { CloseReason } from '../session/ending.ts';
import type { Remote } from '../session/remote.ts';
import type { LimitedTransport, RateLimits } from '../stream/limited.ts';
import type { Link } from './link.ts';

/** A connection to one peer, over which the feeds are replicated. {@link Connections} has one for each. */
export class Connection {
  /** The session, its feeds' peers, and what went over it. */
  readonly replication: Replication;
  /** What dialed it; `undefined` where it came in. */
  readonly link: Link | undefined;
  readonly #line: LimitedTransport;
  #isPaused = false;
  #onReceived: (() => void)[] = [];

  /** @internal */
  constructor(replication: Replication, line: LimitedTransport, link: Link | undefined) {
    this.replication = replication;
    this.#line = line;
    this.link = link;
  }

  /** The other side. */
  get remote(): Remote {
    return this.replication.session.remote;
  }

  /** The remote's Handshake id in hex: a name for messages, and no proof of who it is. */
  get id(): string {
    return toHex(this.remote.id);
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Asks the remote for nothing more and offers it nothing; the connection stays. */
  pause(): void {
    this.#isPaused = true;
    this.replication.pause();
  }

  /** Asks and offers again. */
  resume(): void {
    this.#isPaused = false;
    this.replication.resume();
  }

  /**
   * Limits the bytes a second from now on; what is left out is not limited. Answers have to come within 7.5 s, so
   * that a limit has to leave room for the feed's largest block, with its proof, in that time.
   * @throws TypeError, RangeError unless they are whole numbers from 1.
   */
  limit(limits: RateLimits): void {
    this.#line.limit(limits);
  }

  /** Resolves with the reason when it has ended. Never rejects. */
  get closed(): Promise<CloseReason> {
    return this.replication.closed;
  }

  /** Ends it, once what was sent is flushed. Its link dials no more. */
  async close(): Promise<CloseReason> {
    this.link?.close();
    return this.replication.close();
  }

  /** @internal Calls `fn` the next time that anything comes from the remote. */
  onceReceived(fn: () => void): void {
    this.#onReceived.push(fn);
  }

  /** @internal */
  received(): void {
    if (this.#onReceived.length > 0) for (const fn of this.#onReceived.splice(0)) fn();
  }

  /**
   * @internal Whether this side decides which connection to this remote is dropped: one side decides, so that two
   * cannot differ.
   */
  get decides(): boolean {
    return toHex(this.replication.session.id) > this.id;
  }
}
