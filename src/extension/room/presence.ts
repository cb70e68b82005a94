/** What a member of a room says of itself, between bytes and parts; and the proof that it writes a feed. */
import type { CryptoProvider } from '../../crypto/provider.ts';
import { type Signer, statement } from '../../crypto/signer.ts';
import { after, type MaybePromise } from '../../stream/stage.ts';
import { read, required, sized, write } from '../../wire/protobuf.ts';
import { readPresence, writePresence } from '../../wire/signed-ephemeral.ts';
import { contexts } from '../signed/identity.ts';

export const PRESENCE = 'hypercore/presence';

/** Feeds that one member can announce: what fits a message beside its state, and each costs a signature check. */
export const MAX_WRITERS = 8;
/** Longer, a member that is gone would stay. */
const MAX_TTL_MS = 300_000;

/** "I write this feed", by the feed's own key. */
export interface WriterProof {
  /** 32 bytes: the feed's key. */
  readonly key: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

export type Presence =
  | {
      readonly leaving: false;
      readonly state: Uint8Array;
      readonly ttlMs: number;
      readonly writers: readonly WriterProof[];
    }
  | { readonly leaving: true };

export function encodePresence(presence: Presence): Uint8Array {
  if (presence.leaving) return write(writePresence, { leaving: true, writers: [] });
  const { state, ttlMs: ttl, writers } = presence;
  return write(writePresence, { state, ttl, writers: writers.map((one) => ({ ...one })) });
}

/** @throws RangeError, Error for what breaks the schema. */
export function decodePresence(payload: Uint8Array): Presence {
  const { state, ttl, writers, leaving = false } = read(readPresence, payload);
  if (leaving) return { leaving };
  if (writers.length > MAX_WRITERS) throw new RangeError(`it names more than ${MAX_WRITERS} writers`);
  return {
    leaving,
    state: required('state', state),
    ttlMs: Math.min(required('ttl', ttl), MAX_TTL_MS),
    writers: writers.map(({ key, signature }) => ({
      key: sized('writer key', required('writer key', key), 32),
      signature: sized('writer signature', required('writer signature', signature), 64),
    })),
  };
}

/** Proves in the room `name` (its feed's discovery key) that who holds `writer` is the member `identity`. */
export function proveWriter(writer: Signer, name: Uint8Array, identity: Uint8Array): WriterProof {
  return { key: writer.publicKey, signature: writer.sign(statement(contexts.writer, name, identity)) };
}

export function isWriter(
  crypto: CryptoProvider,
  { key, signature }: WriterProof,
  name: Uint8Array,
  identity: Uint8Array,
): MaybePromise<boolean> {
  const stated = statement(contexts.writer, name, identity);
  return after(crypto.verify(signature, stated, key), (isGood) => isGood === true);
}
