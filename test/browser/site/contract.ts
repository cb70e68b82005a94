/** The contract of Transport in a page: `page.evaluate(() => transports.keep(kind, name))`. */
import { contract } from '../../transport/contract.ts';
import { kinds } from './transport-kinds.ts';

export type KindName = keyof typeof kinds;

const all = {
  /** Rejects where a transport of the kind does not keep that case. */
  keep: (kind: KindName, name: string): Promise<void> =>
    contract.find((one) => one.name === name)!.run({ memory, ...kinds[kind] }),
};
Object.assign(globalThis, { transports: all });

declare global {
  var transports: typeof all;
}

/** Only Chromium tells, and only if it is started so. Counts what is in typed arrays too. */
function memory(): number {
  return (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize;
}
