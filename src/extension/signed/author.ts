/** The sending side: numbers and signs what goes out. */
import { assertBytes, assertInteger } from '../../errors.ts';
import type { Identity } from './identity.ts';
import { type Body, encodeMessage } from './signed-message.ts';

/** Epochs within one millisecond. */
const EPOCHS_A_MS = 1024;

/**
 * A number for this start, larger than that of every earlier one by this clock: a restart is not taken for a
 * replay. `random` tells two starts within one millisecond apart.
 */
export function newEpoch(now: number, random: Uint8Array): number {
  return Math.floor(now) * EPOCHS_A_MS + ((random[0]! * 256 + random[1]!) % EPOCHS_A_MS);
}

export class Author {
  readonly identity: Identity;
  readonly epoch: number;
  readonly #discoveryKey: Uint8Array;
  readonly #now: () => number;
  readonly #hops: number;
  #sequence = 0;
  #timestamp = 0;

  constructor(
    identity: Identity,
    discoveryKey: Uint8Array,
    { epoch, now, hops }: { epoch: number; now: () => number; hops: number },
  ) {
    assertInteger('now', Math.floor(now()));
    this.identity = identity;
    this.epoch = epoch;
    this.#discoveryKey = discoveryKey;
    this.#now = now;
    this.#hops = hops;
  }

  /** The next message, as the extension's payload. */
  write({ contentType, payload, audience }: Pick<Body, 'contentType' | 'payload' | 'audience'>): Uint8Array {
    assertBytes('payload', payload);
    if (audience !== undefined) assertBytes('audience', audience, 32);
    // Never back: who has forgotten this sender takes nothing from before what it has heard.
    this.#timestamp = Math.max(this.#timestamp, Math.floor(this.#now()));
    return encodeMessage(this.identity, this.#discoveryKey, this.#hops, {
      sender: this.identity.publicKey,
      epoch: this.epoch,
      sequence: ++this.#sequence,
      timestamp: this.#timestamp,
      audience,
      contentType,
      payload,
      delegation: this.identity.delegation,
    });
  }
}
