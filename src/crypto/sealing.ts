/**
 * What sealed messages need beside the provider of `provider.ts`: key agreement and authenticated encryption. An
 * interface of its own, since replication needs none of it.
 */

/** An X25519 key pair. */
export interface AgreementKeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes. */
  readonly secretKey: Uint8Array;
}

/** The primitives that sealed messages ask for. */
export interface SealingProvider {
  /** X25519: of a 32-byte secret, or a fresh one. */
  agreementKeyPair(secretKey?: Uint8Array): AgreementKeyPair;
  /** X25519: the 32 bytes that two key pairs have in common; `undefined` for a public key of low order. */
  agree(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
  /** XChaCha20-Poly1305 (IETF): the ciphertext and its tag of 16 bytes. Key 32, nonce 24. */
  seal(message: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array;
  /** The message, or `undefined` where the box was not sealed with this key and nonce. */
  open(box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | undefined;
}
