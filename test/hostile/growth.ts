/** How much memory something keeps: measured after collection, with what it made still alive. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { settle } from '../fake-clock.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes in use once all that nobody holds is gone. */
export async function used(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    await settle();
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Runs `work`, and tells by how many bytes the program has grown while it holds what `work` gave. */
export async function growth<T>(work: () => Promise<T>): Promise<{ bytes: number; result: T }> {
  const before = await used();
  const result = await work();
  return { bytes: (await used()) - before, result };
}
