/** What of a range is asked of whom, and how much looking that takes. */
import { describe, expect, it } from 'vitest';
import { Bitfield } from '../../src/feed/files/bitfield.ts';
import { RemoteBlocks } from '../../src/feed/replication/remote-blocks.ts';
import { Selection } from '../../src/feed/replication/selection.ts';

const NONE: ReadonlySet<number> = new Set();

function remote(...blocks: number[]): RemoteBlocks {
  const there = new RemoteBlocks();
  for (const block of blocks) there.add(block);
  return there;
}

describe('a selection', () => {
  it('goes through what the peer has and nobody was asked for, in order', () => {
    const here = new Bitfield();
    here.add(3);
    const there = remote(1, 2, 3, 5, 9);
    const selection = new Selection({ start: 2, end: 9 });
    const reserved = new Set<number>();
    const asked: (number | undefined)[] = [];
    for (let i = 0; i < 4; i++) {
      const block = selection.next(here, there, reserved);
      asked.push(block);
      if (block !== undefined) reserved.add(block);
    }
    expect(asked).toEqual([2, 5, undefined, undefined]);
  });

  it('asks again for what was released, and for what the peer has told since', () => {
    const here = new Bitfield();
    const there = remote(0, 1, 8);
    const selection = new Selection({ start: 0 });
    const reserved = new Set([0, 1]);
    expect(selection.next(here, there, reserved)).toBe(8);
    reserved.add(8);
    expect(selection.next(here, there, reserved)).toBeUndefined();
    reserved.delete(1);
    selection.release();
    expect(selection.next(here, there, reserved)).toBe(1);
    reserved.add(1);
    expect(selection.next(here, there, reserved)).toBeUndefined();
    there.add(4);
    selection.offered(there, 4);
    expect(selection.next(here, there, reserved)).toBe(4);
  });

  it('needs a peer for what another one was asked for', () => {
    const here = new Bitfield();
    const there = remote(6);
    const selection = new Selection({ start: 0 });
    expect(selection.next(here, there, new Set([6]))).toBeUndefined();
    expect(selection.needs(here, there)).toBe(true);
    here.add(6);
    expect(selection.needs(here, there)).toBe(false);
  });

  it('reaches no further than it is told to, and needs all the same', () => {
    const here = new Bitfield();
    const there = remote(0, 1, 2);
    const selection = new Selection({ start: 0, reach: 1 });
    expect(selection.next(here, there, new Set([0]))).toBeUndefined();
    expect(selection.needs(here, there)).toBe(true);
    selection.reach = 2;
    expect(selection.next(here, there, new Set([0]))).toBe(1);
  });

  it('is complete when all up to its end is here, or up to what anyone knows of', () => {
    const here = new Bitfield();
    for (const block of [0, 1, 2]) here.add(block);
    expect(new Selection({ start: 0, end: 3 }).isComplete(here, 0)).toBe(true);
    expect(new Selection({ start: 0, end: 4 }).isComplete(here, 0)).toBe(false);
    expect(new Selection({ start: 1 }).isComplete(here, 3)).toBe(true);
    expect(new Selection({ start: 1 }).isComplete(here, 4)).toBe(false);
    expect(new Selection({ start: 9, end: 9 }).isComplete(here, 0)).toBe(true);
  });

  it('does not look at the same blocks again and again for a peer that has none of them', () => {
    const here = new Bitfield();
    const there = new RemoteBlocks();
    const count = 4000;
    for (let block = 0; block < count; block += 2) {
      there.add(block);
      here.add(block);
    }
    let looks = 0;
    const counted = new Proxy(here, {
      get: (bits, name) => {
        if (name !== 'nextMissing') return Reflect.get(bits, name);
        looks++;
        return bits.nextMissing.bind(bits);
      },
    });
    const selection = new Selection({ start: 0, end: count });
    for (let round = 0; round < 100; round++) expect(selection.next(counted, there, NONE)).toBeUndefined();
    expect(looks).toBeLessThan(2 * count);
  });
});
