/** What the specs do in a page, by name: `page.evaluate(() => scenarios.…)`. */
import * as crash from './crash.ts';
import * as kept from './keep.ts';
import * as memory from './memory.ts';
import * as opfs from './opfs.ts';
import * as reload from './reload.ts';
import * as sync from './sync.ts';
import * as vectors from './vectors.ts';
import * as webSocket from './websocket.ts';

const all = { ...crash, ...kept, ...memory, ...opfs, ...reload, ...sync, ...vectors, ...webSocket };
Object.assign(globalThis, { scenarios: all });

declare global {
  var scenarios: typeof all;
}
