/**
 * The extension `session-data` (DEP-0006): up to 256 bytes that a peer says of itself, of which the last count.
 *
 * Not authenticated: everybody who holds the feed's key can read and change what passes between two others.
 */
import { assertBytes } from '../errors.ts';
import type { Channel } from '../session/channel.ts';
import type { ExtensionLike } from '../session/options.ts';
import type { Session } from '../session/session.ts';
import { Listeners } from '../stream/listeners.ts';
import { raw } from './codec.ts';
import { SessionExtension } from './extension.ts';
import type { Unverified } from './verified.ts';

/** DEP-0006: what is longer is cut off by the receiver. */
const MAX_BYTES = 256;
/** DEP-0006: a sender should say something new no more often. */
const INTERVAL_MS = 5000;

/** What a peer says of itself. */
export interface SessionDataMessage extends Unverified {
  readonly data: Uint8Array;
}

/** What peers say of themselves. */
export type SessionDataEvent =
  /** A peer has said something of itself. */
  { readonly type: 'message'; readonly message: SessionDataMessage; readonly session: Session };

/** What goes out to one peer: at once, or when `INTERVAL_MS` have passed since the last. */
interface Outgoing {
  sentAt: number | undefined;
  cancel: (() => void) | undefined;
}

/**
 * The extension `session-data` (DEP-0006): up to 256 bytes that a peer says of itself. Nobody verifies them.
 */
export class SessionData implements ExtensionLike {
  readonly #extension: SessionExtension<Uint8Array>;
  readonly #outgoing = new Map<Session, Outgoing>();
  readonly #listeners = new Listeners<SessionDataEvent>();
  #data: Uint8Array | undefined;

  constructor() {
    this.#extension = new SessionExtension('session-data', {
      // As much as fits a frame: what is too long is cut, not refused.
      maxBytes: 8_388_608,
      keep: 'last',
      codec: { encode: raw.encode, decode: (bytes) => new Uint8Array(bytes.subarray(0, MAX_BYTES)) },
    });
    this.#extension.subscribe((event) => {
      if (event.type === 'peer') this.#announce(event.peer);
      if (event.type !== 'message') return;
      this.#listeners.emit({
        type: 'message',
        message: { verified: false, data: event.message },
        session: event.peer,
      });
    });
  }

  get names(): readonly string[] {
    return this.#extension.names;
  }

  /** What this side says of itself. */
  get data(): Uint8Array | undefined {
    return this.#data;
  }

  /**
   * Says something of this side: to all peers, to later ones too, and again after each reconnect. Each peer is
   * told at once, and then no more often than every 5 seconds: a newer value takes the place of a waiting one.
   * @throws TypeError, RangeError for anything but at most 256 bytes.
   */
  set(data: Uint8Array): void {
    assertBytes('data', data);
    if (data.byteLength > MAX_BYTES) {
      throw new RangeError(
        `"data" expected at most ${MAX_BYTES} bytes, got ${data.byteLength}: the rest would be cut off`,
      );
    }
    this.#data = new Uint8Array(data);
    for (const session of this.#extension.peers) this.#announce(session);
  }

  /** The last that a peer said, while it is connected. */
  of(session: Session): SessionDataMessage | undefined {
    const data = this.#extension.last(session);
    return data && { verified: false, data };
  }

  /** Whether the remote knows the extension. */
  remoteSupports(session: Session): boolean {
    return this.#extension.remoteSupports(session);
  }

  /** Calls `listener` for what peers say from now on; the returned function ends that. */
  subscribe(listener: (event: SessionDataEvent) => void): () => void {
    return this.#listeners.add(listener);
  }

  attach(session: Session): void {
    this.#extension.attach(session);
    const outgoing: Outgoing = { sentAt: undefined, cancel: undefined };
    this.#outgoing.set(session, outgoing);
    void session.closed.then(() => {
      outgoing.cancel?.();
      this.#outgoing.delete(session);
    });
  }

  opened(channel: Channel): void {
    this.#extension.opened(channel);
  }

  #announce(session: Session): void {
    const outgoing = this.#outgoing.get(session);
    if (outgoing === undefined || outgoing.cancel !== undefined || this.#data === undefined) return;
    const { clock } = session;
    const waitMs = outgoing.sentAt === undefined ? 0 : outgoing.sentAt + INTERVAL_MS - clock.now();
    if (waitMs > 0) {
      outgoing.cancel = clock.after(waitMs, () => {
        outgoing.cancel = undefined;
        this.#announce(session);
      });
      return;
    }
    outgoing.sentAt = clock.now();
    this.#extension.send(this.#data, session);
  }
}
