import { expect, it } from 'vitest';
import { memoryPair } from '../../src/transport/memory.ts';
import { chunksOf, readAll } from './contract.ts';
import { transportContract } from './suite.ts';

transportContract('memoryPair', {
  async make() {
    const [here, there] = memoryPair();
    return { here, there };
  },
  // A chunk is handed over when it is asked for: one that is read, and the next.
  bufferedBytes: 131_072,
  onSlowReader: 'waits',
  readOnAbort: 'rejected',
});

it('an abort settles a write whose reader has had enough', async () => {
  const [here, there] = memoryPair();
  const sinking = here.sink(chunksOf(Uint8Array.of(1), Uint8Array.of(2)));
  const back = there.sink(chunksOf(Uint8Array.of(3), Uint8Array.of(4)));
  for (const side of [here, there]) for await (const _ of side.source) break;
  const reason = new Error('enough');
  here.abort(reason);
  await expect(sinking).rejects.toBe(reason);
  await expect(back).rejects.toMatchObject({ cause: reason });
});

it('an abort gives each side a reason: its own, or that the other cut', async () => {
  const [here, there] = memoryPair();
  const reason = new Error('enough');
  const sinking = here.sink(chunksOf(Uint8Array.of(1)));
  here.abort(reason);
  await expect(sinking).rejects.toBe(reason);
  await expect(readAll(here.source)).rejects.toBe(reason);
  await expect(readAll(there.source)).rejects.toMatchObject({ cause: reason });
});
