/**
 * `hypercore-wire/crypto/native`: a crypto provider on `sodium-native`, libsodium compiled for the machine, for
 * servers on Node. The package is not a dependency of this one: whoever wants it installs it.
 */
import { assertBytes, assertInteger } from '../errors.ts';
import type { CryptoProvider } from './provider.ts';

/** Not written where it is imported, so that no bundler looks for it. */
const PACKAGE: string = 'sodium-native';

/** What is used of it; what is filled comes first. */
interface Sodium {
  readonly crypto_stream_xor_STATEBYTES: number;
  crypto_stream_xor_init(state: Uint8Array, nonce: Uint8Array, key: Uint8Array): void;
  crypto_stream_xor_update(state: Uint8Array, out: Uint8Array, bytes: Uint8Array): void;
  crypto_generichash_batch(out: Uint8Array, parts: readonly Uint8Array[], key?: Uint8Array): void;
  randombytes_buf(out: Uint8Array): void;
  crypto_sign_keypair(publicKey: Uint8Array, secretKey: Uint8Array): void;
  crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void;
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void;
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
}

let loading: Promise<CryptoProvider> | undefined;

/**
 * Loads `sodium-native` once and resolves to the provider on it; pass that as `crypto`. It enciphers too.
 * @throws Error where it is not installed, or does not run here.
 */
export function native(): Promise<CryptoProvider> {
  loading ??= load().catch((error) => {
    loading = undefined;
    throw new Error(
      `sodium-native cannot be used here (${error instanceof Error ? error.message : error}): install it with \`npm install sodium-native@5\`, or leave "crypto" out, which takes libsodium in WASM`,
      { cause: error },
    );
  });
  return loading;
}

async function load(): Promise<CryptoProvider> {
  const { default: sodium } = (await import(/* @vite-ignore */ PACKAGE)) as { default: Sodium };
  return {
    blake2b: (parts, key) => {
      const hash = new Uint8Array(32);
      // For one part as well: the plain call refuses keys of less than 16 bytes.
      sodium.crypto_generichash_batch(hash, parts, key);
      return hash;
    },
    randomBytes: (length) => {
      assertInteger('length', length);
      const bytes = new Uint8Array(length);
      sodium.randombytes_buf(bytes);
      return bytes;
    },
    keyPair: (seed) => {
      const [publicKey, secretKey] = [new Uint8Array(32), new Uint8Array(64)];
      if (seed === undefined) {
        sodium.crypto_sign_keypair(publicKey, secretKey);
      } else {
        assertBytes('seed', seed, 32);
        sodium.crypto_sign_seed_keypair(publicKey, secretKey, seed);
      }
      return { publicKey, secretKey };
    },
    sign: (message, secretKey) => {
      assertBytes('secretKey', secretKey, 64);
      const signature = new Uint8Array(64);
      sodium.crypto_sign_detached(signature, message, secretKey);
      return signature;
    },
    verify: (signature, message, publicKey) =>
      signature.byteLength === 64 &&
      publicKey.byteLength === 32 &&
      sodium.crypto_sign_verify_detached(signature, message, publicKey),
    keystream: (key, nonce) => {
      assertBytes('key', key, 32);
      assertBytes('nonce', nonce, 24);
      const state = new Uint8Array(sodium.crypto_stream_xor_STATEBYTES);
      sodium.crypto_stream_xor_init(state, nonce, key);
      return { xor: (bytes) => sodium.crypto_stream_xor_update(state, bytes, bytes) };
    },
  };
}
