/** For a page that may not run WASM. */
import { noble } from 'hypercore-wire/crypto/noble';
import { sync } from './sync.js';

export { meet } from './sync.js';
export const run = (): Promise<number[]> => sync({ crypto: noble });
