/** What the specs do in a page, by name: `page.evaluate(() => scenarios.…)`. */
import * as memory from './memory.ts';

const all = { ...memory };
Object.assign(globalThis, { scenarios: all });

declare global {
  var scenarios: typeof all;
}
