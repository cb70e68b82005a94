import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'hypercore-wire-bench-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Result {
  readonly work: string;
  readonly unit: string;
  readonly ours: number;
  readonly peers: object;
  readonly ratio: object;
}

/** Runs our own side of every row for a moment. The numbers mean nothing, and none is looked at. */
async function quick(): Promise<Result[]> {
  const json = join(folder, 'results.json');
  await promisify(execFile)('node', ['bench/run.mjs', '--quick', '--json', json, '--plots', folder], {
    cwd: root,
  });
  return JSON.parse(readFileSync(json, 'utf8'));
}

it('runs every row, and writes what it measured', { timeout: 120_000 }, async () => {
  const results = await quick();
  expect(results.length).toBeGreaterThan(15);
  expect(new Set(results.map(({ work }) => work)).size).toBe(results.length);
  for (const result of results) {
    expect(Object.keys(result)).toEqual(['work', 'unit', 'ours', 'peers', 'ratio']);
    expect(result.ours, result.work).toBeGreaterThan(0);
  }
});
