/** Every target of the fuzzer: with what it once found, with structured inputs, and with any bytes. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { targets } from './targets.ts';

function corpusOf(name: string): Uint8Array[] {
  const file = new URL(`corpus/${name}.json`, import.meta.url);
  const list: string[] = JSON.parse(readFileSync(file, 'utf8'));
  return list.map((hex) => new Uint8Array(Buffer.from(hex, 'hex')));
}

describe.each(targets)('$name', ({ name, run, seeds }) => {
  it('stands what reached something new once', { timeout: 120_000 }, async () => {
    const corpus = corpusOf(name);
    expect(corpus.length).toBeGreaterThan(0);
    for (const input of [...seeds, ...corpus]) await run(input);
  });

  it('stands any bytes', { timeout: 120_000 }, async () => {
    const isQuick = !['proof', 'session', 'replication', 'files'].includes(name);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        await run(bytes);
      }),
      { numRuns: isQuick ? 500 : 60 },
    );
  });
});
