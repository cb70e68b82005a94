/** `npm run bench`: see README.md beside this, or `npm run bench -- --help`. */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { measure } from './measure.mjs';
import { install } from './peers.mjs';
import { startProcess } from './processes.mjs';
import { rows } from './rows/index.mjs';
import { lines, text } from './table.mjs';

const HELP = `npm run bench -- [options]

  --only <text>     only the rows whose name contains this; may be given more than once
  --ours            only our own side, without the peers
  --quick           one short sample of our own side each, to see that all rows run; its numbers mean nothing
  --cpu             by the time that the processor spent, which says more on a machine with other work
  --runs <n>        samples of each side; the median counts (default 5)
  --json <file>     writes the results there
  --profile <dir>   writes a CPU profile of each side there
`;

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    ours: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    cpu: { type: 'boolean', default: false },
    runs: { type: 'string', default: '5' },
    json: { type: 'string' },
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
const wanted = rows.filter(({ work }) => values.only?.every((text) => !work.includes(text)) !== true);
if (wanted.length === 0)
  throw new RangeError(
    `no row is called ${values.only.join(', ')}: ${rows.map(({ work }) => work).join('; ')}`,
  );

const [{ model }] = cpus();
console.log(
  `Node ${process.versions.node}, ${cpus().length} cores (${model.trim()}), ${isCpu ? 'CPU' : 'wall'} time\n`,
);
const sets = new Set(wanted.flatMap(({ peers = {} }) => Object.values(peers).map(({ set }) => set)));
if (!isAlone) install([...sets].filter((set) => set !== undefined));

const results = [];
for (const row of wanted) {
  const result = await measure(row, {
    start: (row, name) => startProcess(row, name, { isQuick, isCpu, profiles }),
    runs: isQuick ? 1 : Number(values.runs),
    ...(isAlone ? { names: ['ours'] } : {}),
  });
  results.push(result);
  console.log(text(row, result));
}
const broken = results.filter((result) =>
  lines(
    rows.find(({ work }) => work === result.work),
    result,
  ).some(({ holds }) => holds === false),
);
if (!isQuick) {
  console.log(
    broken.length === 0
      ? 'all that has to hold holds'
      : `does not hold: ${broken.map(({ work }) => work).join('; ')}`,
  );
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`);
