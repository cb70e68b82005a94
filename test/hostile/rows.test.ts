/** The list of attackers in the README of this folder is the list of those that there are. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8');
const rows = [...readme.matchAll(/^\| (.+?) \| (.+?) \| `([^`]+)`: (.+?) \|$/gm)];

describe('every hostile input that is known', () => {
  it.each(rows.map(([, input, , file, names]) => [input!, file!, names!] as const))(
    '%s',
    (_, file, names) => {
      const source = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
      for (const name of names.split('; ')) expect(source.includes(name), `${name} in ${file}`).toBe(true);
    },
  );

  it('is in the list', () => {
    expect(rows.length).toBeGreaterThan(55);
  });
});
