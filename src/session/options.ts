/** The options of `connect`, checked and with defaults filled in. */
import { parseKey } from '../crypto/hex.ts';
import { libsodium } from '../crypto/libsodium.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { assertBytes, assertObject, describe } from '../errors.ts';
import { type Limits, withDefaults } from '../limits.ts';
import { type Clock, systemClock } from '../stream/clock.ts';
import type { MaybePromise } from '../stream/stage.ts';
import type { AbortSignalLike } from '../stream/transport.ts';
import type { TraceListener, TraceOptions } from '../trace.ts';
import { assertSendable } from '../wire/sendable.ts';
import type { Channel } from './channel.ts';
import { sortNames } from './extension-names.ts';
import { NONE } from './none.ts';
import type { Session } from './session.ts';
import { readTrace } from './tracer.ts';

/** Finds the key of the feed with a discovery key (32 bytes); `undefined` where this side does not have it. */
export type KeyLookup = (discoveryKey: Uint8Array) => MaybePromise<Uint8Array | string | undefined>;

/** What takes part in every session to which it is given: see `hypercore-wire/extension`. */
export interface ExtensionLike {
  /** The names to declare. */
  readonly names: readonly string[];
  /** Called once a session, before anything is received, to add its handlers with `session.handle`. */
  attach(session: Session): void;
  /**
   * Called once for each channel that both sides have open, when the remote's Handshake is there. What it throws ends
   * the session as `aborted`.
   */
  opened?(channel: Channel): void;
}

/** One of `key` and `keys` is needed, or both. */
export interface ConnectOptions {
  /** The feed to open first: 32 bytes, 64 hex characters or a `dat://` link. This side speaks at once. */
  readonly key?: Uint8Array | string | undefined;
  /**
   * How a server answers: without `key` this side waits for the remote's first feed and opens it, if it is
   * known here. Feeds that the remote opens later are looked up too.
   */
  readonly keys?: KeyLookup | undefined;
  /**
   * Extensions, or names of extensions, in any order: 2044 names at most. Only what is listed here can be used in the
   * session.
   */
  readonly extensions?: readonly (string | ExtensionLike)[] | undefined;
  /** Tells the remote that this side wants to stay. Default false. */
  readonly live?: boolean | undefined;
  /** Asks the remote to confirm every block that it stores. Default false. */
  readonly ack?: boolean | undefined;
  /** Anything of the app's own, for the remote to see. With id and extensions, up to 8 MiB. */
  readonly userData?: Uint8Array | undefined;
  /** This side's id; default 32 random bytes. */
  readonly id?: Uint8Array | undefined;
  /** False for transports that are private anyway; both sides must agree. Default true. */
  readonly encrypted?: boolean | undefined;
  /** Ends the session when it aborts. */
  readonly signal?: AbortSignalLike | undefined;
  readonly clock?: Clock | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** Who is told what the session does, from its first byte on: see {@link TraceEvent}. */
  readonly trace?: TraceListener | TraceOptions | undefined;
  /** Default: libsodium. */
  readonly crypto?: CryptoProvider | undefined;
}

/** {@link ConnectOptions}, checked and with defaults filled in. */
export interface Settings {
  readonly key: Uint8Array | undefined;
  readonly keys: KeyLookup | undefined;
  /** Names, sorted. */
  readonly extensions: readonly string[];
  readonly attached: readonly ExtensionLike[];
  readonly live: boolean;
  readonly ack: boolean;
  readonly userData: Uint8Array | undefined;
  readonly id: Uint8Array;
  readonly encrypted: boolean;
  readonly signal: AbortSignalLike | undefined;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly trace: TraceOptions | undefined;
  readonly crypto: CryptoProvider;
}

/** @throws TypeError, RangeError for invalid options; the signal's reason if it has aborted. */
export async function readOptions(options: ConnectOptions): Promise<Settings> {
  assertObject('options', options, 'as in { key }');
  const { key, keys, extensions = [], live = false, ack = false, userData, id, encrypted = true } = options;
  if (key === undefined && keys === undefined) {
    throw new TypeError(
      '"key" or "keys" expected: which feed to open, or how to find the one that is asked for',
    );
  }
  if (keys !== undefined && typeof keys !== 'function') {
    throw new TypeError(`"keys" expected a function from discovery key to key, got ${describe(keys)}`);
  }
  if (userData !== undefined) assertBytes('userData', userData);
  if (id !== undefined) assertBytes('id', id);
  const { signal, clock = systemClock() } = options;
  const feedKey = key === undefined ? undefined : parseKey(key);
  const isPlain = extensions.length === 0;
  const names = isPlain ? NONE : sortNames(extensions.flatMap(namesOf));
  const attached = isPlain ? NONE : extensions.filter((one) => typeof one !== 'string');
  const limits = withDefaults(options.limits);
  const trace = options.trace === undefined ? undefined : readTrace(options.trace);
  const crypto = options.crypto ?? (await libsodium());
  if (signal?.aborted) throw signal.reason;
  const ownId = id ?? crypto.randomBytes(32);
  // The remote would drop the connection over one that it cannot take.
  assertSendable(0, { type: 'handshake', id: ownId, live, userData, extensions: names, ack });
  return {
    key: feedKey,
    keys,
    extensions: names,
    attached,
    live,
    ack,
    userData,
    id: ownId,
    encrypted,
    signal,
    clock,
    limits,
    trace,
    crypto,
  };
}

function namesOf(extension: string | ExtensionLike): readonly string[] {
  if (typeof extension === 'string') return [extension];
  if (typeof extension?.attach !== 'function' || !Array.isArray(extension.names)) {
    throw new TypeError(`"extensions" expected names or extensions, got ${describe(extension)} among them`);
  }
  return extension.names;
}
