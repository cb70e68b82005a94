/** The contract as a suite of vitest, and what Node can count. */
import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, test } from 'vitest';
import { contract, type Kind } from './contract.ts';

export function transportContract(name: string, kind: Kind): void {
  describe(`${name} keeps the contract of Transport`, () => {
    for (const { name, run } of contract) test(name, () => run({ memory, ...kind }));
  });
}

/** Bytes in buffers that somebody holds. */
function memory(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().arrayBuffers;
}

/** Listeners for these events on all of the targets. */
export function countListeners(
  targets: readonly (EventTarget | NodeJS.EventEmitter)[],
  events: readonly string[],
): number {
  return targets
    .flatMap((target) => events.map((event) => getEventListeners(target, event).length))
    .reduce((sum, count) => sum + count, 0);
}
