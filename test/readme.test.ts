import { expect, it } from 'vitest';
import { partsOf, run, textOf } from './docs/page.ts';

const [first, second] = partsOf(textOf('README.md'));

it('shows ten lines first, which run as printed', async () => {
  expect(first!.code.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(10);
  expect(await run(first!.code)).toBe('hello\nworld\n');
});

it('has a server and a client that find each other', async () => {
  expect(await run(second!.code)).toBe('hello from a server\npeer left: remote-closed\n');
});
