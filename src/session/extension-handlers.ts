/** Who takes the messages of an extension: by its name, of one feed or of a whole session. */
import { toHex } from '../crypto/hex.ts';
import { describe } from '../errors.ts';
import type { Channel } from './channel.ts';
import type { ExtensionNames } from './extension-names.ts';

/**
 * Takes one message, synchronously. `payload` is a view of the received chunk; `drop` reports a message that is
 * not used, to the session's trace. What it throws ends the session.
 */
export type ExtensionHandler = (
  payload: Uint8Array,
  channel: Channel,
  drop: (reason: string) => void,
) => void;

/** For messages on every channel. */
const EVERY = '';

export class ExtensionHandlers {
  readonly #names: ExtensionNames;
  /** By name, then by discovery key (hex). Made for the first: a session without extensions has none. */
  #handlers: Map<string, Map<string, ExtensionHandler>> | undefined;

  constructor(names: ExtensionNames) {
    this.#names = names;
  }

  /**
   * Adds a handler, for the channel of one feed where `discoveryKey` is given; the returned function removes it.
   * @throws RangeError where the name was not declared, TypeError where it has a handler already.
   */
  add(name: string, handler: ExtensionHandler, discoveryKey?: Uint8Array): () => void {
    this.#names.idOf(name);
    const place = discoveryKey === undefined ? EVERY : toHex(discoveryKey);
    this.#handlers ??= new Map();
    const handlers = this.#handlers.get(name) ?? new Map<string, ExtensionHandler>();
    if (handlers.has(place)) {
      throw new TypeError(
        `the extension ${describe(name)} has a handler already, and its messages go to one only`,
      );
    }
    handlers.set(place, handler);
    this.#handlers.set(name, handlers);
    return () => {
      if (handlers.get(place) === handler) handlers.delete(place);
    };
  }

  /** That of the feed's channel before that of all channels. */
  find(name: string, channel: Channel): ExtensionHandler | undefined {
    const handlers = this.#handlers?.get(name);
    if (handlers === undefined) return undefined;
    return handlers.get(channel.name) ?? handlers.get(EVERY);
  }
}
