/**
 * Everything that has to hold, in one command: types and lint, the build, the tests, and the package as npm
 * would ship it. The last line is `N passed, N failed` over all of them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'hypercore-wire-test-'));
const results = join(work, 'vitest.json');
let passed = 0;
let failed = 0;

/** Runs a command and shows what it says; whether it exited with 0. */
function run(name, command, args) {
  console.log(`\n== ${name}`);
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  return status === 0;
}

function step(name, command, args) {
  const ok = run(name, command, args);
  if (ok) passed++;
  else failed++;
  console.log(`${ok ? 'ok' : 'FAILED'}: ${name}`);
  return ok;
}

try {
  step('format and lint', 'npx', ['biome', 'check', '.']);
  step('types: the core without a platform', 'npx', ['tsc', '-p', 'tsconfig.core.json']);
  step('types: tests', 'npx', ['tsc', '-p', 'test/tsconfig.json']);
  step('build', 'npm', ['run', '--silent', 'build']);
  const ok = run('tests', 'npx', [
    'vitest',
    'run',
    '--reporter=dot',
    '--reporter=json',
    `--outputFile.json=${results}`,
  ]);
  const counts = existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : undefined;
  passed += counts?.numPassedTests ?? 0;
  // A file that does not load, or an error outside of any test, fails without a failed test.
  failed += Math.max(counts?.numFailedTests ?? 0, ok ? 0 : 1);
  step('the package as npm ships it', 'node', ['test/package.mjs', work]);
} finally {
  rmSync(work, { recursive: true, force: true });
}

console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
