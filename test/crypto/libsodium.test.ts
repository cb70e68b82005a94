import { expect, it, vi } from 'vitest';
import { libsodium } from '../../src/crypto/libsodium.ts';
import { Feed } from '../../src/feed/feed.ts';
import { memoryStorage } from '../../src/storage/memory.ts';

it('says what to do where WASM may not run', async () => {
  // As a browser under a policy without 'wasm-unsafe-eval'.
  vi.stubGlobal('WebAssembly', {
    RuntimeError: Error,
    instantiate: () => Promise.reject(new Error('blocked by the policy')),
  });
  await expect(Feed.create(memoryStorage())).rejects.toThrow(/WebAssembly.*pass { crypto: noble }/);
  await expect(libsodium()).rejects.toMatchObject({ cause: expect.anything() });
});
