/**
 * Everything that has to hold, in one command: types and lint, the build, the tests, and the package as npm
 * would ship it. The end of the output names all that failed; its last line is `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { runtimes } from './runtimes/runtimes.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Lines of a message that are told again in the end. */
const LINES = 12;
const work = mkdtempSync(join(tmpdir(), 'hypercore-wire-test-'));
let passed = 0;
/** What failed, and what passed only when it was tried again: told once more in the end. */
const failures = [];
const flaky = [];

/**
 * The test runners. Each writes a report to the file that it is told, and `read` takes from it how many tests
 * passed, and which failed.
 */
const vitest = {
  args: ['run', '--reporter=minimal', '--reporter=./test/report.mjs'],
  env: (report) => ({ REPORT: report }),
  read: (report) => report,
};
const runners = [
  {
    ...vitest,
    name: 'tests',
    // Left to itself, vitest leaves one core idle, which is half of a small machine.
    command: ['npx', 'vitest', ...vitest.args, '--maxWorkers=100%'],
  },
  ...runtimes.map(({ name, program, args, tests }) => ({
    ...vitest,
    name: `tests in ${name}`,
    // One process for all files: what takes long there is to start one.
    command: [
      ...[program, ...args, 'node_modules/vitest/vitest.mjs', ...vitest.args],
      ...['--no-isolate', ...tests],
    ],
    env: (report) => ({ REPORT: report, RUNTIME: name }),
  })),
  {
    name: 'browser',
    command: ['npx', 'playwright', 'test', '--reporter=dot,json'],
    env: (report) => ({ PLAYWRIGHT_JSON_OUTPUT_FILE: report }),
    read: readPlaywright,
  },
];

function readPlaywright({ stats, suites, errors }) {
  const report = { passed: stats.expected + stats.flaky, failures: [], flaky: [] };
  const visit = (suite, titles) => {
    for (const inner of suite.suites ?? []) visit(inner, [...titles, inner.title]);
    for (const { title, file, tests } of suite.specs) {
      for (const { status, results } of tests) {
        const message = results.flatMap((result) => result.errors.map(({ message }) => message)).join('\n');
        const entry = { name: [...titles, title].join(' > '), file, message };
        if (status === 'unexpected') report.failures.push(entry);
        if (status === 'flaky') report.flaky.push(entry);
      }
    }
  };
  for (const suite of suites) visit(suite, []);
  for (const { message } of errors) report.failures.push({ name: '(outside of any test)', message });
  return report;
}

/** Runs a command and shows what it says. What it ended with, or undefined for a success. */
function run(name, [command, ...args], options) {
  console.log(`\n== ${name}`);
  const env = { ...process.env, NO_COLOR: '1', ...options.env };
  const ended = spawnSync(command, args, { cwd: root, ...options, env });
  const { status, signal, error } = ended;
  const how = status === 0 ? undefined : `ended with ${error ?? signal ?? status}`;
  return { ...ended, how };
}

function step(name, command, args) {
  // What it says is kept, so that the end of it can be told again.
  const stdio = ['inherit', 'pipe', 'pipe'];
  const options = { stdio, encoding: 'utf8', maxBuffer: 2 ** 28 };
  const { how, stdout, stderr } = run(name, [command, ...args], options);
  const said = `${stdout}${stderr}`;
  process.stdout.write(said);
  console.log(`${how === undefined ? 'ok' : 'FAILED'}: ${name}`);
  if (how === undefined) passed++;
  else failures.push({ name, message: `${how}\n${said.trimEnd().split('\n').slice(-LINES).join('\n')}` });
}

function tests({ name, command, env, read }) {
  const file = join(work, `${name}.json`);
  const { how } = run(name, command, { stdio: 'inherit', env: env(file) });
  const report = existsSync(file)
    ? read(JSON.parse(readFileSync(file, 'utf8')))
    : { passed: 0, failures: [{ name: '(no report)', message: how }] };
  if (how !== undefined && report.failures.length === 0)
    report.failures.push({ name: '(no test failed)', message: how });
  passed += report.passed;
  const named = (entry) => ({ ...entry, name: `${name}: ${entry.name}` });
  failures.push(...report.failures.map(named));
  flaky.push(...(report.flaky ?? []).map(named));
  console.log(`${report.passed} passed, ${report.failures.length} failed: ${name}`);
}

/** Names what failed, with the first lines of why. */
function tell(title, { name, file, message }) {
  const lines = stripVTControlCharacters(message ?? '').split('\n');
  console.log(`\n${title}: ${[name, file].filter((part) => part).join('\n  in ')}`);
  for (const line of lines.slice(0, LINES)) console.log(`    ${line.slice(0, 300)}`);
}

try {
  step('format and lint', 'npx', ['biome', 'check', '.']);
  step('types: the core without a platform', 'npx', ['tsc', '-p', 'tsconfig.core.json']);
  step('types: tests', 'npx', ['tsc', '-p', 'test/tsconfig.json']);
  step('build', 'npm', ['run', '--silent', 'build']);
  step('types: browser', 'npx', ['tsc', '-p', 'test/browser/tsconfig.json']);
  step('the API reference has no holes', 'npm', ['run', '--silent', 'docs', '--', '--emit', 'none']);
  for (const runner of runners) tests(runner);
  step('package: what npm ships', 'node', ['test/package/tarball.mjs', work]);
  step('package: the sizes that README.md states', 'node', ['test/package/sizes.mjs']);
  step('package: an app, its types and on Node', 'node', ['test/package/app.mjs', work]);
  for (const bundler of ['vite', 'esbuild', 'rollup', 'webpack']) {
    step(`package: an app bundled by ${bundler}`, 'node', ['test/package/bundlers.mjs', work, bundler]);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}

for (const entry of flaky) tell('FLAKY', entry);
for (const entry of failures) tell('FAILED', entry);
console.log(`\n${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
