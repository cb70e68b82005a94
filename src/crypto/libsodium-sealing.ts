/** The default sealing provider: libsodium compiled to WASM, loaded on first use. */
import type { SealingProvider } from './sealing.ts';

let loading: Promise<SealingProvider> | undefined;

/** Loads `libsodium-wrappers` once and resolves to the provider on it. */
export function libsodiumSealing(): Promise<SealingProvider> {
  loading ??= load().catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<SealingProvider> {
  const { default: sodium } = await import('libsodium-wrappers');
  await sodium.ready;
  return {
    agreementKeyPair(secretKey = sodium.randombytes_buf(32)) {
      return { publicKey: sodium.crypto_scalarmult_base(secretKey), secretKey };
    },
    agree: (secretKey, publicKey) => attempt(() => sodium.crypto_scalarmult(secretKey, publicKey)),
    seal: (message, nonce, key) =>
      sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(message, null, null, nonce, key),
    open: (box, nonce, key) =>
      attempt(() => sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, box, null, nonce, key)),
  };
}

/** The wrappers throw where the primitive refuses. */
function attempt(work: () => Uint8Array): Uint8Array | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
