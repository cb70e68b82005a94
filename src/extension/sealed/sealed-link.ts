/**
 * The keys of one connection, and what is sealed with them: see proto/dep-sealed-ephemeral.md. No I/O and no timer.
 */
import { equals } from 'uint8arrays/equals';
import { toHex } from '../../crypto/hex.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { AgreementKeyPair, SealingProvider } from '../../crypto/sealing.ts';
import { statement } from '../../crypto/signer.ts';
import type { MaybePromise } from '../../stream/stage.ts';
import { read, required, sized, write } from '../../wire/protobuf.ts';
import { type Hello, readHello, readSealed, writeHello, writeSealed } from '../../wire/sealed-ephemeral.ts';
import { type Allow, isAllowed } from '../allow.ts';
import { type EphemeralContent, ephemeralCodec } from '../ephemeral.ts';
import { type Delegation, delegationStatement, type Identity } from '../signed/identity.ts';
import type { Role, Sender } from '../verified.ts';
import { pad, unpad } from './padding.ts';

/** Why a sealed message was not delivered. */
export type SealedRefusalReason =
  /** Over `maxBytes`. */
  | 'too-large'
  /** More than is taken of one connection. */
  | 'too-fast'
  /** It breaks the schema. */
  | 'malformed'
  /** The signature, the delegation or the box is not the peer's, or not for this connection. */
  | 'forged'
  /** The delegation has ended. */
  | 'delegation-expired'
  /** The peer is not wanted here. */
  | 'denied'
  /** A box whose counter was seen, or is lower than one that was. */
  | 'replayed'
  /** A box before the hello that it takes, or a second hello. */
  | 'unexpected';

export type SealedOutcome =
  | { readonly peer: Sender }
  | { readonly content: EphemeralContent }
  | { readonly refused: SealedRefusalReason };

export interface SealedLinkOptions {
  readonly crypto: CryptoProvider;
  readonly sealing: SealingProvider;
  readonly identity: Identity;
  /** The feed's key. */
  readonly key: Uint8Array;
  readonly discoveryKey: Uint8Array;
  /** What tells the two ends of this connection from each other, and from those of any other: 56 bytes each. */
  readonly ends: { readonly own: Uint8Array; readonly remote: Uint8Array };
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly allow: Allow;
  /** The key pair of this connection. Default: a fresh one. */
  readonly keyPair?: AgreementKeyPair | undefined;
}

const context = (name: string): string => `hypercore sealed-ephemeral/1 ${name}`;

/** Hellos that are looked at: the first good one counts, and each costs a signature check. */
const MAX_HELLOS = 4;

export class SealedLink {
  readonly #options: SealedLinkOptions;
  readonly #binding: Uint8Array;
  readonly #hello: Uint8Array;
  readonly #keyPair: AgreementKeyPair;
  #hellos = 0;
  #peer: Sender | undefined;
  #sendKey: Uint8Array | undefined;
  #receiveKey: Uint8Array | undefined;
  #sent = 0;
  #received = 0;

  constructor(options: SealedLinkOptions) {
    const { crypto, sealing, identity, discoveryKey, ends } = options;
    this.#options = options;
    this.#keyPair = options.keyPair ?? sealing.agreementKeyPair();
    const [lesser, greater] = inOrder(ends.own, ends.remote);
    this.#binding = crypto.blake2b([statement(context('binding'), discoveryKey, lesser, greater)]);
    const { delegation } = identity;
    this.#hello = write(writeHello, {
      sender: identity.publicKey,
      key: this.#keyPair.publicKey,
      ...(delegation && { delegationExpires: delegation.expires, delegationSignature: delegation.signature }),
    });
  }

  /** The other end, once its hello is there. */
  get peer(): Sender | undefined {
    return this.#peer;
  }

  /** What to send first. */
  hello(): Uint8Array {
    const { identity, ends } = this.#options;
    const signature = identity.sign(this.#statement(ends.own, this.#hello));
    return write(writeSealed, { hello: this.#hello, signature });
  }

  /** Seals a content for the other end. @throws TypeError before its hello is there. */
  seal(content: EphemeralContent): Uint8Array {
    if (this.#sendKey === undefined) throw new TypeError('"peer" expected one whose hello is there');
    const counter = ++this.#sent;
    const box = this.#options.sealing.seal(
      pad(ephemeralCodec.encode(content)),
      nonceOf(counter),
      this.#sendKey,
    );
    return write(writeSealed, { counter, box });
  }

  /** Takes what the other end sent. Not to be called again while a promise it gave is pending. */
  receive(packet: Uint8Array): MaybePromise<SealedOutcome> {
    const parts = attempt(() => readPacket(packet));
    if (parts === undefined) return { refused: 'malformed' };
    return 'box' in parts ? this.#open(parts) : this.#onHello(parts);
  }

  /** Forgets the keys. What was sealed with them cannot be opened any more, by anybody. */
  end(): void {
    for (const key of [this.#keyPair.secretKey, this.#sendKey, this.#receiveKey]) key?.fill(0);
    this.#sendKey = this.#receiveKey = undefined;
  }

  #open({ counter, box }: { counter: number; box: Uint8Array }): SealedOutcome {
    if (this.#receiveKey === undefined) return { refused: 'unexpected' };
    if (counter <= this.#received) return { refused: 'replayed' };
    const padded = this.#options.sealing.open(box, nonceOf(counter), this.#receiveKey);
    if (padded === undefined) return { refused: 'forged' };
    this.#received = counter;
    const content = attempt(() => ephemeralCodec.decode(unpad(padded)));
    return content === undefined ? { refused: 'malformed' } : { content };
  }

  async #onHello({ bytes, hello, signature }: SignedHello): Promise<SealedOutcome> {
    const { crypto, sealing, key, discoveryKey, ends, now, allow } = this.#options;
    if (this.#peer !== undefined || this.#hellos >= MAX_HELLOS) return { refused: 'unexpected' };
    // Then the two directions would be one.
    if (equals(ends.own, ends.remote)) return { refused: 'forged' };
    this.#hellos++;
    const { sender, delegation } = hello;
    const isGood = await crypto.verify(signature, this.#statement(ends.remote, bytes), sender);
    if (isGood !== true) return { refused: 'forged' };
    let role: Role = equals(sender, key) ? 'author' : 'reader';
    if (role === 'reader' && delegation !== undefined) {
      if (delegation.expires < now()) return { refused: 'delegation-expired' };
      const stated = delegationStatement(discoveryKey, sender, delegation.expires);
      if ((await crypto.verify(delegation.signature, stated, key)) !== true) return { refused: 'forged' };
      role = 'delegate';
    }
    const peer: Sender = { id: toHex(sender), key: new Uint8Array(sender), role };
    if (!isAllowed(allow, peer)) return { refused: 'denied' };
    const shared = sealing.agree(this.#keyPair.secretKey, hello.key);
    if (shared === undefined) return { refused: 'forged' };
    this.#sendKey = this.#keyOf(ends.own, shared, bytes);
    this.#receiveKey = this.#keyOf(ends.remote, shared, bytes);
    shared.fill(0);
    this.#keyPair.secretKey.fill(0);
    this.#peer = peer;
    return { peer };
  }

  /** What the hello of `end` signs. */
  #statement(end: Uint8Array, hello: Uint8Array): Uint8Array {
    return statement(context('hello'), this.#binding, end, hello);
  }

  /** The key of the direction in which `end` sends. */
  #keyOf(end: Uint8Array, shared: Uint8Array, remoteHello: Uint8Array): Uint8Array {
    const { crypto, ends } = this.#options;
    const hashes = { own: crypto.blake2b([this.#hello]), remote: crypto.blake2b([remoteHello]) };
    const isOwnLesser = inOrder(ends.own, ends.remote)[0] === ends.own;
    const [lesser, greater] = isOwnLesser ? [hashes.own, hashes.remote] : [hashes.remote, hashes.own];
    return crypto.blake2b([statement(context('key'), this.#binding, lesser, greater, end)], shared);
  }
}

interface SignedHello {
  readonly bytes: Uint8Array;
  readonly hello: { readonly sender: Uint8Array; readonly key: Uint8Array; readonly delegation?: Delegation };
  readonly signature: Uint8Array;
}

function readPacket(packet: Uint8Array): SignedHello | { counter: number; box: Uint8Array } {
  const { hello, signature, counter, box } = read(readSealed, packet);
  if ((hello === undefined) === (box === undefined)) throw new RangeError('neither a hello nor a box');
  if (box !== undefined) return { counter: required('counter', counter), box };
  return {
    bytes: hello!,
    hello: helloOf(read(readHello, hello!)),
    signature: sized('signature', required('signature', signature), 64),
  };
}

function helloOf({ sender, key, delegationExpires: expires, delegationSignature: signature }: Hello) {
  if ((expires === undefined) !== (signature === undefined)) throw new RangeError('half a delegation');
  return {
    sender: sized('sender', required('sender', sender), 32),
    key: sized('key', required('key', key), 32),
    ...(signature && { delegation: { expires: expires!, signature: sized('delegation', signature, 64) } }),
  };
}

/** The lesser first, as unsigned bytes from the left. */
function inOrder(a: Uint8Array, b: Uint8Array): [Uint8Array, Uint8Array] {
  const i = a.findIndex((byte, at) => byte !== b[at]);
  return i === -1 || a[i]! < b[i]! ? [a, b] : [b, a];
}

/** 16 zeros, and the counter in 8 bytes, big-endian. */
function nonceOf(counter: number): Uint8Array {
  const nonce = new Uint8Array(24);
  new DataView(nonce.buffer).setBigUint64(16, BigInt(counter));
  return nonce;
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
