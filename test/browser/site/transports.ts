/** What the specs do with transports in a page, by name: `page.evaluate(() => transports.…)`. */
import { contract } from '../../transport/contract.ts';
import * as feeds from './transport-feeds.ts';
import { kinds } from './transport-kinds.ts';

export type KindName = keyof typeof kinds;

const all = {
  ...feeds,
  /** Rejects where a transport of the kind does not keep that case of the contract. */
  keep: (kind: KindName, name: string): Promise<void> =>
    contract.find((one) => one.name === name)!.run({ memory, ...kinds[kind] }),
};
Object.assign(globalThis, { transports: all });

declare global {
  var transports: typeof all;
}

/** Only Chromium collects and tells, and only if it is started so. Counts what is in typed arrays too. */
function memory(): number {
  (globalThis as unknown as { gc(): void }).gc();
  return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize;
}
