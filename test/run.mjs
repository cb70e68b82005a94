/**
 * Runs a test program that is written in TypeScript, outside of any test runner:
 * `node test/run.mjs <file.ts> [arguments]`. It is bundled first; packages stay outside.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const [entry, ...args] = process.argv.slice(2);
// Inside of the project, so that its packages are found.
const work = mkdtempSync(join(root, 'node_modules', '.test-run-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
const outfile = join(work, 'program.mjs');
await build({
  entryPoints: [resolve(entry)],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'error',
});
process.argv = [process.argv[0], entry, ...args];
await import(pathToFileURL(outfile).href);
