/// <reference lib="esnext.disposable" preserve="true" />
/**
 * All the connections over which feeds are replicated: those that this side keeps up by dialing, and those that
 * come in. One to a peer: all sessions have the same random id, by which both sides see that two are one too many.
 *
 * Of two connections to one peer the side with the larger id drops one, so that the two cannot each drop another.
 * It prefers one that it dialed, then the older one. The older one may be dead, without this side knowing of it
 * yet: only when something comes over it is the newer one dropped. If nothing does, its keepalive ends it, and the
 * newer one stays. Where the other side should decide and does not, as hypercore 7 does not, this side does after
 * two deadlines. Whose connection was dropped rests until the last connection to that peer has ended.
 *
 * An id is a claim, and whoever was told it can repeat it. It displaces no connection that this side dialed, nor
 * one that still brings anything. But who comes in first with another peer's id can keep that peer from coming in
 * as long as it stays connected; a link of this side's own prevails over it.
 */
import { libsodium } from '../crypto/libsodium.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { feedsOf, type ReplicateOptions, replicate } from '../feed/replication/replicate.ts';
import { defaultLimits } from '../limits.ts';
import { type Clock, systemClock } from '../stream/clock.ts';
import { limited } from '../stream/limited.ts';
import { Listeners } from '../stream/listeners.ts';
import { assertTransport, type Transport } from '../stream/transport.ts';
import { Connection } from './connection.ts';
import type { Dial } from './dial.ts';
import type { ConnectionsEvent, ConnectionsListener } from './events.ts';
import { type KeepOptions, Link, type LinkHost } from './link.ts';

/** As for `replicate`. The sessions are live: one that ends by itself is for `replicate`. */
export interface ConnectionsOptions extends Omit<ReplicateOptions, 'live' | 'signal'> {}

/** Connections that last: dialed again when they are lost, one to a peer. */
export class Connections implements Iterable<Connection> {
  readonly #options: ConnectionsOptions;
  readonly #clock: Clock;
  readonly #id: Promise<Uint8Array>;
  readonly #connections = new Set<Connection>();
  /** Dropped, and not ended yet. */
  readonly #dropped = new Set<Connection>();
  readonly #links = new Set<Link>();
  /** Transports on the way to a session. */
  readonly #opening = new Set<Transport>();
  readonly #listeners = new Listeners<ConnectionsEvent>();
  readonly #host: LinkHost;
  #isClosed = false;

  /** @throws TypeError, RangeError for invalid feeds; other invalid options come up with the first connection. */
  constructor(options: ConnectionsOptions) {
    const feeds = feedsOf(options);
    this.#options = { ...options, feeds };
    this.#clock = options.clock ?? systemClock();
    const crypto = options.crypto ?? (typeof feeds === 'function' ? undefined : feeds[0]!.crypto);
    this.#id = idOf(options.id, crypto);
    this.#id.catch(() => {});
    this.#host = {
      clock: this.#clock,
      open: (transport, link) => this.#open(transport, link),
      isConnected: (id) => [...this.#connections].some((connection) => connection.id === id),
      emit: (event) => this.#emit(event),
    };
  }

  /** The connections that stand. */
  [Symbol.iterator](): Iterator<Connection> {
    return this.#connections.values();
  }

  /**
   * Keeps a connection to a peer: dials now, and again whenever it is lost. Never rejects: the events tell how it
   * goes. `dial` should stop when its signal aborts.
   * @throws TypeError once they were closed, and for invalid options.
   */
  keep(dial: Dial, options: KeepOptions = {}): Link {
    if (this.#isClosed) throw new TypeError('the connections were closed: make new ones');
    const link = new Link(this.#host, dial, options);
    this.#links.add(link);
    void link.closed.then(() => this.#links.delete(link));
    return link;
  }

  /**
   * Takes a connection that came in, or that cannot be dialed again. The events tell what becomes of it.
   * @throws TypeError for what is no transport.
   */
  add(transport: Transport): void {
    assertTransport(transport);
    if (this.#isClosed) return transport.abort(new Error('the connections were closed'));
    this.#open(transport, undefined).catch((error) => {
      if (!this.#isClosed) this.#emit({ type: 'refused', error });
    });
  }

  /** Links that wait to dial again dial at once: for when a page is online or visible again. */
  retry(): void {
    for (const link of this.#links) link.retry();
  }

  /** Calls `listener` for what happens from now on; the returned function ends that. */
  subscribe(listener: ConnectionsListener): () => void {
    return this.#listeners.add(listener);
  }

  /** Dials no more, and ends all connections once what was sent is flushed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const links = [...this.#links].map((link) => {
      link.close();
      return link.closed;
    });
    for (const transport of this.#opening) transport.abort(new Error('the connections were closed'));
    const all = [...this.#connections, ...this.#dropped];
    await Promise.all([...links, ...all.map((connection) => connection.replication.close())]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(transport: Transport, link: Link | undefined): Promise<Connection> {
    let connection: Connection | undefined;
    const line = limited(transport, this.#clock, () => connection?.received());
    this.#opening.add(line);
    try {
      const options = { ...this.#options, clock: this.#clock, id: await this.#id, live: true };
      const replication = await replicate(line, options);
      connection = new Connection(replication, line, link);
    } catch (error) {
      line.abort(error);
      throw error;
    } finally {
      this.#opening.delete(line);
    }
    this.#admit(connection);
    return connection;
  }

  #admit(connection: Connection): void {
    const rivals = [...this.#connections].filter(({ id }) => id !== '' && id === connection.id);
    this.#connections.add(connection);
    void connection.closed.then((reason) => {
      this.#connections.delete(connection);
      this.#dropped.delete(connection);
      this.#emit({ type: 'disconnected', connection, reason });
      this.#peerLeft();
    });
    this.#emit({ type: 'connected', connection });
    for (const rival of rivals) this.#settle(rival, connection);
    // Closed while the last of the handshake was under way.
    if (this.#isClosed) void connection.replication.close();
  }

  /** Two connections to one peer: one is dropped, by this side or by the other. */
  #settle(older: Connection, newer: Connection): void {
    if (newer.decides) return this.#decide(older, newer);
    const idleMs = this.#options.limits?.idleMs ?? defaultLimits.idleMs;
    const cancel = this.#clock.after(2 * idleMs, () => this.#decide(older, newer));
    void Promise.race([older.closed, newer.closed]).then(cancel);
  }

  #decide(older: Connection, newer: Connection): void {
    const isNewerOurs = newer.link !== undefined && older.link === undefined;
    if (isNewerOurs) this.#drop(older, newer);
    else older.onceReceived(() => this.#drop(newer, older));
  }

  #drop(connection: Connection, kept: Connection): void {
    if (!this.#connections.has(connection) || !this.#connections.has(kept)) return;
    this.#connections.delete(connection);
    this.#dropped.add(connection);
    this.#emit({ type: 'duplicate', connection, kept });
    void connection.replication.close();
  }

  #peerLeft(): void {
    for (const link of this.#links) link.peerLeft();
  }

  #emit(event: ConnectionsEvent): void {
    this.#listeners.emit(event);
  }
}

/** New for each `Connections`, so that nobody is known by it later. */
async function idOf(id: Uint8Array | undefined, crypto: CryptoProvider | undefined): Promise<Uint8Array> {
  return id ?? (crypto ?? (await libsodium())).randomBytes(32);
}
