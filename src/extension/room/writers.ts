/** Which feeds the members write: proofs that were verified are kept, so that each is verified once. */
import { equals } from 'uint8arrays/equals';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { Clock } from '../../stream/clock.ts';
import { after, all, type MaybePromise } from '../../stream/stage.ts';
import { type MessageRate, TokenBucket } from '../token-bucket.ts';
import type { Sender } from '../verified.ts';
import { isWriter, type WriterProof } from './presence.ts';

/** New proofs of all members together: each costs a signature check. */
const RATE: MessageRate = { perSecond: 20, burst: 200 };

export interface Proven {
  readonly proofs: readonly WriterProof[];
  /** Why others were left out. */
  readonly refused?: 'forged' | 'too-fast';
}

export class ProofChecks {
  readonly #crypto: CryptoProvider;
  readonly #name: Uint8Array;
  readonly #bucket: TokenBucket;

  /** `name`: the discovery key of the room's feed. */
  constructor(crypto: CryptoProvider, clock: Clock, name: Uint8Array) {
    this.#crypto = crypto;
    this.#name = name;
    this.#bucket = new TokenBucket(clock, RATE);
  }

  /** Those of `claimed` that hold for the sender; `known` are those that are known to. */
  check(
    sender: Sender,
    claimed: readonly WriterProof[],
    known: readonly WriterProof[],
  ): MaybePromise<Proven> {
    const checks = all(claimed, (proof): MaybePromise<boolean | 'too-fast'> => {
      const isKnown = known.some(
        (one) => equals(one.key, proof.key) && equals(one.signature, proof.signature),
      );
      if (isKnown) return true;
      if (!this.#bucket.take()) return 'too-fast';
      return isWriter(this.#crypto, proof, this.#name, sender.key);
    });
    const settle = (results: readonly (boolean | 'too-fast')[]): Proven => {
      const proofs = claimed
        .filter((_, i) => results[i] === true)
        .map(({ key, signature }) => ({ key: new Uint8Array(key), signature: new Uint8Array(signature) }));
      if (results.includes(false)) return { proofs, refused: 'forged' };
      return results.includes('too-fast') ? { proofs, refused: 'too-fast' } : { proofs };
    };
    return after(checks, settle);
  }
}
