import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { endOfRun } from '../../src/wire/run.ts';

it('a run of equal bytes ends where one byte after the other says that it does, wherever in a buffer', () => {
  const runs = fc.array(
    fc.record({
      value: fc.constantFrom(0, 7, 255),
      length: fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: 150 })),
    }),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(
      runs,
      fc.nat({ max: 7 }),
      fc.nat(),
      fc.nat(),
      fc.constantFrom(0, 7, 255),
      (list, skip, a, b, value) => {
        const content = list.flatMap(({ value, length }) => Array<number>(length).fill(value));
        const bytes = new Uint8Array(skip + content.length + 3).subarray(skip, skip + content.length);
        bytes.set(content);
        const [from, to] = [a % (content.length + 1), b % (content.length + 1)];
        let naive = from;
        while (naive < to && content[naive] === value) naive++;
        expect(endOfRun(bytes, from, to, value)).toBe(naive);
      },
    ),
    { numRuns: 2000 },
  );
});
