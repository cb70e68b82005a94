/** Contenders in this very process, one after the other: enough to see that they run, and worth nothing as a measure. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { contenderOf } from './rows/row.mjs';
import { sampler } from './sampler.mjs';

export function openInProcess(options) {
  const folder = mkdtempSync(join(tmpdir(), 'hypercore-wire-bench-'));
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc');
  return {
    name: `Node ${process.versions.node}`,
    has: () => true,
    start: (row, name) =>
      sampler(row, contenderOf(row, name).start, { ...options, folder }, () => performance.now()),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
