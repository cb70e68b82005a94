/** `npm run bench`: see README.md beside this, or `npm run bench -- --help`. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { openChromium } from './chromium.mjs';
import { openInProcess } from './in-process.mjs';
import { measure } from './measure.mjs';
import { install } from './peers.mjs';
import { plots } from './plot.mjs';
import { openProcesses } from './processes.mjs';
import { rows as inPage } from './rows/in-page.mjs';
import { charts, rows } from './rows/index.mjs';
import { contenderNames, contenderOf } from './rows/row.mjs';
import { lines, markdown, text } from './table.mjs';

const HELP = `npm run bench -- [options]

  --only <text>     only the row of this name, or those whose names have this in them; may be given more than once
  --ours            only our own side, without the peers
  --quick           one short sample of our own side each, to see that all rows run; its numbers mean nothing
  --chromium        the rows that run in a page, in Chromium
  --cpu             by the time that the processor spent, which says more on a machine with other work
  --runs <n>        samples of each side at most; the median counts (default 5)
  --json <file>     writes the results there
  --plots <dir>     writes the charts there
  --write           writes the table into bench/README.md
  --profile <dir>   writes a CPU profile of each side there
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    ours: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    chromium: { type: 'boolean', default: false },
    cpu: { type: 'boolean', default: false },
    runs: { type: 'string', default: '5' },
    json: { type: 'string' },
    plots: { type: 'string' },
    write: { type: 'boolean', default: false },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit();
}
const { quick: isQuick, cpu: isCpu, profile: profiles } = values;
const isAlone = values.ours || isQuick;
const runs = Number(values.runs);

/** Whether a row can run here. Quick, it does without what has to be installed. */
function isThere({ work, set, needs }) {
  if (set !== undefined && isQuick) return false;
  try {
    if (needs !== undefined) import.meta.resolve(needs);
    return true;
  } catch {
    console.log(`${work}\n  not built: there is no ${needs}\n`);
    return false;
  }
}

/** A whole name means that row, a part of one all that have it. */
const matches = (text, { work }) =>
  rows.some((row) => row.work === text) ? work === text : work.includes(text);
const isNamed = (row) => values.only?.some((text) => matches(text, row)) ?? true;
// Quick, one point of each chart is enough.
const isDrawn = ({ chart }, i) => !isQuick || chart === undefined || rows[i - 1].chart !== chart;
const wanted = (values.chromium ? inPage : rows.filter(isDrawn)).filter(
  (row) => isNamed(row) && isThere(row),
);
if (wanted.length === 0) {
  throw new RangeError(`no row has ${values.only} in its name: ${rows.map(({ work }) => work).join('; ')}`);
}
const names = (row) => (isAlone ? ['ours'] : contenderNames(row).filter((name) => place.has(row, name)));

const place = values.chromium
  ? await openChromium({ isQuick })
  : isQuick
    ? openInProcess({ isQuick })
    : openProcesses({ isCpu, profiles });
const machine = `${place.name}, ${cpus().length} cores (${cpus()[0].model.trim()}), ${isCpu ? 'CPU' : 'wall'} time`;
console.log(`${machine}\n`);
install(new Set(wanted.flatMap((row) => names(row).map((name) => contenderOf(row, name).set))));

const results = [];
try {
  for (const row of wanted) {
    const result = await measure(row, {
      start: place.start,
      runs: isQuick ? 1 : Math.min(runs, row.runs ?? runs),
      names: names(row),
    });
    results.push(result);
    console.log(text(row, result));
  }
} finally {
  await place.close();
}

if (!isQuick) {
  const broken = wanted.filter((row, i) => lines(row, results[i]).some(({ holds }) => holds === false));
  console.log(
    broken.length === 0
      ? 'all that has to hold holds'
      : `does not hold: ${broken.map(({ work }) => work).join('; ')}`,
  );
}
if (values.json !== undefined) write(values.json, `${JSON.stringify(results, null, 2)}\n`);
if (values.plots !== undefined) {
  for (const [name, svg] of plots(charts, wanted, results)) write(join(values.plots, `${name}.svg`), svg);
}
if (values.write) {
  const readme = new URL('README.md', import.meta.url);
  const start = `<!-- ${values.chromium ? 'chromium' : 'node'}: written by --write -->`;
  const [before, after] = readFileSync(readme, 'utf8').split(start);
  const rest = after.slice(after.indexOf('<!-- end -->'));
  writeFileSync(readme, `${before}${start}\n\n${machine}.\n\n${markdown(wanted, results)}\n${rest}`);
}

function write(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
// What was measured may hold the process open.
process.exit();
