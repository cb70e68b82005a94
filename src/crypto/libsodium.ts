/** The default crypto provider: libsodium compiled to WASM, loaded on first use. */
import { assertBytes } from '../errors.ts';
import { blake2b, type RawSodium } from './libsodium-blake2b.ts';
import type { CryptoProvider } from './provider.ts';
import { randomBytes } from './random-bytes.ts';

let loading: Promise<CryptoProvider> | undefined;

/**
 * Loads `libsodium-wrappers` once and resolves to the provider on it.
 * @throws Error where it cannot be loaded, or may not run here.
 */
export function libsodium(): Promise<CryptoProvider> {
  loading ??= load().catch((error) => {
    // A network that fails once may not the next time.
    loading = undefined;
    throw new Error(
      `libsodium cannot be used here (${error instanceof Error ? error.message : error}): it needs WebAssembly, and in a page with a Content-Security-Policy 'wasm-unsafe-eval'. Without, pass { crypto: noble } of hypercore-wire/crypto/noble`,
      { cause: error },
    );
  });
  return loading;
}

async function load(): Promise<CryptoProvider> {
  const { default: sodium } = await import('libsodium-wrappers');
  await sodium.ready;
  return {
    // Its types leave out the module below it.
    blake2b: blake2b((sodium as unknown as { libsodium: RawSodium }).libsodium),
    randomBytes,
    keyPair: (seed) => {
      if (seed !== undefined) assertBytes('seed', seed, 32);
      const { publicKey, privateKey } =
        seed === undefined ? sodium.crypto_sign_keypair() : sodium.crypto_sign_seed_keypair(seed);
      return { publicKey, secretKey: privateKey };
    },
    sign: (message, secretKey) => {
      assertBytes('secretKey', secretKey, 64);
      return sodium.crypto_sign_detached(message, secretKey);
    },
    verify: (signature, message, publicKey) =>
      signature.byteLength === 64 &&
      publicKey.byteLength === 32 &&
      sodium.crypto_sign_verify_detached(signature, message, publicKey),
  };
}
