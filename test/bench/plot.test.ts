import { expect, it } from 'vitest';
import { plots } from '../../bench/plot.mjs';
import { lines, markdown, number } from '../../bench/table.mjs';

const row = {
  work: 'a row',
  unit: 'things/s',
  limit: 250,
  peers: { fast: {}, slow: {} },
  floors: { fast: 1, slow: 2 },
};
const result = { ours: 200, peers: { fast: 400, slow: 100 }, ratio: { fast: 0.5, slow: 2 } };

it('tells which floors hold', () => {
  const verdicts = lines(row, result).map(({ name, bound, holds }) => [name, bound, holds]);
  expect(verdicts).toEqual([
    ['ours', '≤ 250 things/s', true],
    ['fast', '≥ 1×', false],
    ['slow', '≥ 2×', true],
  ]);
  expect(markdown([row], [result])).toContain('|  | fast | 400 | 0.5× | ≥ 1× DOES NOT HOLD |');
});

it.each([
  [1_234_567, '1,230,000'],
  [12.345, '12.3'],
  [0.012345, '0.0123'],
  [0, '0'],
])('writes %d as %s', (value, expected) => expect(number(value)).toBe(expected));

it('draws a line for each that has two points', () => {
  const rows = [1000, 2000, 3000].map((x) => ({ work: `at ${x}`, unit: 'MB & more', chart: 'growth', x }));
  const results = rows.map(({ work, x }) => ({
    work,
    ours: x,
    peers: { peer: 2 * x, ...(x === 3000 && { once: 1 }) },
  }));
  const undrawn = { title: 'None', x: '' };
  const drawn = plots({ growth: { title: 'Growth', x: 'blocks' }, undrawn }, rows, results);
  expect(drawn.map(([name]) => name)).toEqual(['growth']);
  const svg = drawn[0]![1]!;
  expect(svg.match(/class="line"/g)).toHaveLength(2);
  expect(svg.match(/<circle /g)).toHaveLength(6);
  expect(svg).toContain('MB &#38; more');
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});
