import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const examples = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code!);

it('shows ten lines first, which run as printed', async () => {
  const [first] = examples;
  expect(first!.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(10);
  // The package's own name leads to what was built.
  const { stdout } = await promisify(execFile)('node', ['--input-type=module', '--eval', first!], { cwd: root });
  expect(stdout).toBe('hello\nworld\n');
});
