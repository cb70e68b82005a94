/**
 * Every page with a program says what it prints. `UPDATE_DOCS=1 npx vitest run test/docs` writes what it prints
 * into the pages instead.
 */
import { describe, expect, it } from 'vitest';
import { pages, partsOf, runParts, textOf, update } from './page.ts';

/** Their programs stand alone, block by block: see readme.test.ts. */
const programs = pages().filter((page) => page !== 'README.md' && partsOf(textOf(page)).length > 0);

describe('what a page says that its code prints, it prints', () => {
  it.each(programs)('%s', async (page) => {
    const parts = partsOf(textOf(page));
    const outputs = await runParts(parts);
    if (process.env.UPDATE_DOCS) return update(page, parts, outputs);
    parts.forEach(({ code, output }, i) => {
      expect(outputs[i], `what this prints:\n${code}`).toBe(output?.code ?? '');
    });
  });
});
