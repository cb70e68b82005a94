/** What runs in a page: `contender.start(row, name, context)`, and then `contender.sample()`. */
import { rows } from './rows/in-page.mjs';
import { contenderOf } from './rows/row.mjs';
import { sampler } from './sampler.mjs';

let running;

globalThis.contender = {
  async start(work, name, context) {
    const row = rows.find((one) => one.work === work);
    const { start, set } = contenderOf(row, name);
    // The peers' own bundle is loaded where one is measured, and nowhere else.
    const load = Object.assign((name) => globalThis.peers[name](), { set });
    running = await sampler(row, start, { load, ...context }, () => performance.now());
  },
  sample: () => running.sample(),
};
