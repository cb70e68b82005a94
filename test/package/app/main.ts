import { sync } from './sync.js';

export { meet } from './sync.js';
export const run = (): Promise<number[]> => sync({});
