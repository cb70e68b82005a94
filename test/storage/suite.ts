/** The contract as a suite of vitest. */
import { describe, test } from 'vitest';
import { contract, type Place } from './contract.ts';

export function storageContract(name: string, make: () => Promise<Place>): void {
  describe(`${name} keeps the contract of Storage`, () => {
    for (const { name, run } of contract) test(name, () => run(make));
  });
}
