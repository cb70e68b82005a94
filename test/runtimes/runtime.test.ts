import { expect, it } from 'vitest';

it('is the runtime that was asked for', () => {
  const name = ['Deno', 'Bun'].find((name) => name in globalThis) ?? 'Node';
  expect(name).toBe(process.env.RUNTIME ?? 'Node');
});
