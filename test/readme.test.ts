import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const examples = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code!);

/** Runs a program as printed; the package's own name leads to what was built. */
async function output(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)('node', ['--input-type=module', '--eval', program], {
    cwd: root,
  });
  return stdout;
}

it('shows ten lines first, which run as printed', async () => {
  const [first] = examples;
  expect(first!.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(10);
  expect(await output(first!)).toBe('hello\nworld\n');
});

it('has a server and a client that find each other', async () => {
  const [, second] = examples;
  expect(await output(second!)).toBe('hello from a server\npeer left: remote-closed\n');
});
