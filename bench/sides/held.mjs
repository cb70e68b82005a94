/** What something holds in memory: the heap's growth, and that of the buffers outside it, once all garbage is gone. */
import { turn } from './turns.mjs';

/** Resolves with what `make` made, and the bytes that are held since. Needs `--expose-gc`. */
export async function held(make) {
  const before = await used();
  const made = await make();
  const bytes = (await used()) - before;
  return { made, bytes };
}

async function used() {
  // What is freed by a finalizer goes only with the next round.
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await turn();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
