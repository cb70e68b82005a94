/** `npm run simulate -- --seeds 1000 [--seed 7] [--lines]`: many seeds, or from one on; the lines of one. */
import { parseArgs } from 'node:util';
import { simulate } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    seed: { type: 'string' },
    lines: { type: 'boolean', default: false },
  },
});
const first = Number(values.seed ?? 1);
const count = values.seed === undefined || process.argv.includes('--seeds') ? Number(values.seeds) : 1;

let now = first;
let failed = 0;
process.on('unhandledRejection', (error) => {
  failed++;
  console.error(`seed ${now} FAILED: unhandled rejection: ${(error as Error)?.stack ?? error}`);
});

const start = performance.now();
for (now = first; now < first + count; now++) {
  const { hash, violation, lines } = await simulate(now, values.lines);
  for (const line of lines) console.log(line);
  if (values.lines || violation !== undefined)
    console.log(`seed ${now} ${violation === undefined ? 'ok' : 'FAILED'} (${hash})`);
  if ((now - first + 1) % 1000 === 0 && !values.lines) console.log(`${now - first + 1} seeds`);
  if (violation === undefined) continue;
  failed++;
  console.log(`  ${violation}\n  again with: npm run simulate -- --seed ${now} --lines`);
}
const seconds = ((performance.now() - start) / 1000).toFixed(0);
console.log(`${count} seeds from ${first}, ${failed} failed, ${seconds} s`);
process.exitCode = failed === 0 ? 0 : 1;
