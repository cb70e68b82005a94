/** What the specs do in a page, by name: `page.evaluate(() => scenarios.…)`. */
import * as memory from './memory.ts';
import * as opfs from './opfs.ts';
import * as webSocket from './websocket.ts';

const all = { ...memory, ...opfs, ...webSocket };
Object.assign(globalThis, { scenarios: all });

declare global {
  var scenarios: typeof all;
}
