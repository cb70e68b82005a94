/**
 * Everything that has to hold, in one command: types and lint, the build, the tests, and the package as npm
 * would ship it. The last line is `N passed, N failed` over all of them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runtimes } from './runtimes/runtimes.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'hypercore-wire-test-'));
let passed = 0;
let failed = 0;

const vitest = {
  args: (report) => ['run', '--reporter=dot', '--reporter=json', `--outputFile.json=${report}`],
  counts: ({ numPassedTests, numFailedTests }) => [numPassedTests, numFailedTests],
};

/**
 * The test runners. Each writes a report in JSON to the file that it is told, and `counts` reads how many tests
 * passed and failed from it.
 */
const runners = [
  {
    ...vitest,
    name: 'tests',
    // Left to itself, vitest leaves one core idle, which is half of a small machine.
    command: (report) => ['npx', 'vitest', ...vitest.args(report), '--maxWorkers=100%'],
  },
  ...runtimes.map(({ name, program, args, tests }) => ({
    ...vitest,
    name: `tests in ${name}`,
    // One process for all files: what takes long there is to start one.
    command: (report) => [
      ...[program, ...args, 'node_modules/vitest/vitest.mjs', ...vitest.args(report)],
      ...['--no-isolate', ...tests],
    ],
    env: () => ({ RUNTIME: name }),
  })),
  {
    name: 'browser',
    command: () => ['npx', 'playwright', 'test', '--reporter=line,json'],
    env: (report) => ({ PLAYWRIGHT_JSON_OUTPUT_FILE: report }),
    counts: ({ stats }) => [stats.expected + stats.flaky, stats.unexpected],
  },
];

/** Runs a command and shows what it says; whether it exited with 0. */
function run(name, command, args, env) {
  console.log(`\n== ${name}`);
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  return status === 0;
}

function step(name, command, args) {
  const ok = run(name, command, args);
  if (ok) passed++;
  else failed++;
  console.log(`${ok ? 'ok' : 'FAILED'}: ${name}`);
}

function tests({ name, command, env, counts }) {
  const report = join(work, `${name}.json`);
  const [program, ...args] = command(report);
  const ok = run(name, program, args, env?.(report));
  const [good, bad] = existsSync(report) ? counts(JSON.parse(readFileSync(report, 'utf8'))) : [0, 0];
  passed += good;
  // A file that does not load, or an error outside of any test, fails without a failed test.
  failed += Math.max(bad, ok ? 0 : 1);
}

try {
  step('format and lint', 'npx', ['biome', 'check', '.']);
  step('types: the core without a platform', 'npx', ['tsc', '-p', 'tsconfig.core.json']);
  step('types: tests', 'npx', ['tsc', '-p', 'test/tsconfig.json']);
  step('build', 'npm', ['run', '--silent', 'build']);
  step('types: browser', 'npx', ['tsc', '-p', 'test/browser/tsconfig.json']);
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

console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
