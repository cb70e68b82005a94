import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { discoveryKey } from '../../src/crypto/discovery-key.ts';
import { libsodium } from '../../src/crypto/libsodium.ts';
import * as flat from '../../src/feed/merkle/flat-tree.ts';
import { leaf, leaves, parent, treeHash, u64be } from '../../src/feed/merkle/hash.ts';
import { hex, unhex, v6 } from '../vectors/index.ts';
import { Writer } from './holder.ts';

const crypto = await libsodium();
const { merkle } = v6;
const blocks: Uint8Array[] = merkle.blocks.map(unhex);

/** A node as the row of blocks below it; found by counting, not by arithmetic on the number. */
function naiveTree(height: number): Map<number, { first: number; last: number; depth: number; up: number }> {
  const tree = new Map();
  const grow = (first: number, depth: number, up: number): void => {
    const count = 2 ** depth;
    const node = first + (first + count - 1);
    tree.set(node, { first, last: first + count - 1, depth, up });
    if (depth === 0) return;
    grow(first, depth - 1, node);
    grow(first + count / 2, depth - 1, node);
  };
  grow(0, height, -1);
  return tree;
}

it('places every node of a tree of 256 blocks where counting places it', () => {
  const tree = naiveTree(8);
  expect(tree.size).toBe(511);
  for (const [node, { first, last, depth, up }] of tree) {
    expect(flat.depth(node)).toBe(depth);
    expect(flat.leftSpan(node)).toBe(2 * first);
    expect(flat.rightSpan(node)).toBe(2 * last);
    if (up < 0) continue;
    expect(flat.parent(node)).toBe(up);
    expect(flat.isLeft(node)).toBe(node < up);
    expect(tree.get(flat.sibling(node))).toMatchObject({ depth, up });
    expect(flat.sibling(node)).not.toBe(node);
  }
});

it('is exact to the last node, where 32 bits would have wrapped', () => {
  fc.assert(
    fc.property(fc.nat({ max: flat.MAX_NODE }), (node) => {
      const wide = BigInt(node);
      let levels = 0n;
      while ((wide >> levels) & 1n) levels++;
      expect(flat.depth(node)).toBe(Number(levels));
      if (levels >= 52n) return;
      const step = 1n << (levels + 1n);
      const other = wide ^ step;
      expect(flat.sibling(node)).toBe(Number(other));
      expect(flat.parent(node)).toBe(Number((wide + other) / 2n));
      expect(flat.leftSpan(node)).toBe(Number(wide + 1n - (1n << levels)));
      expect(flat.rightSpan(node)).toBe(Number(wide - 1n + (1n << levels)));
    }),
    {
      examples: [
        [flat.MAX_NODE],
        [flat.MAX_NODE - 1],
        [2 ** 52 - 1],
        [2 ** 51 - 1],
        [2 ** 32],
        [2 ** 31 - 1],
      ],
    },
  );
});

it('finds the full roots that taking the largest complete node again and again finds', () => {
  const tree = [...naiveTree(8)].sort((a, b) => b[1].depth - a[1].depth);
  for (let length = 0; length <= 256; length++) {
    const roots: number[] = [];
    for (let next = 0; next < length; ) {
      const [node, { last }] = tree.find(([, { first, last }]) => first === next && last < length)!;
      roots.push(node);
      next = last + 1;
    }
    expect(flat.fullRoots(length)).toEqual(roots);
  }
});

it('finds the full roots of lengths past 32 bits', () => {
  expect(flat.fullRoots(2 ** 52)).toEqual([2 ** 52 - 1]);
  expect(flat.fullRoots(2 ** 40 + 1)).toEqual([2 ** 40 - 1, 2 ** 41]);
  const roots = flat.fullRoots(2 ** 52 - 1);
  expect(roots).toHaveLength(52);
  expect(roots.at(-1)).toBe(2 ** 53 - 4);
});

it('writes eight bytes exactly', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      expect(BigInt(`0x${hex(u64be(value))}`)).toBe(BigInt(value));
      expect(u64be(value)).toHaveLength(8);
    }),
    { examples: [[0], [2 ** 32 - 1], [2 ** 32], [2 ** 53 - 1]] },
  );
  expect(() => u64be(2 ** 53)).toThrow(RangeError);
  expect(() => u64be(-1)).toThrow(RangeError);
});

it.each(merkle.feeds as { length: number }[])('hashes and signs the known feed of $length blocks', (feed) => {
  const known = feed as typeof feed & Record<string, never>;
  const pair = crypto.keyPair(unhex(merkle.seed));
  expect(hex(pair.publicKey)).toBe(merkle.publicKey);
  const writer = new Writer(crypto, pair);
  writer.append(blocks.slice(0, feed.length));
  const roots = flat.fullRoots(feed.length);
  expect(roots).toEqual(known.roots);
  expect(writer.roots().map((root) => root.index)).toEqual(roots);
  expect(hex(treeHash(crypto, writer.roots()))).toBe(known.treeHash);
  expect(hex(writer.signatures.get(feed.length)!)).toBe(known.signature);
  expect(writer.roots().reduce((size, root) => size + root.size, 0)).toBe(known.byteLength);
  if (known.nodes === undefined) return;
  const nodes = [...writer.nodes.values()].sort((a, b) => a.index - b.index);
  expect(nodes.map((node) => ({ ...node, hash: hex(node.hash) }))).toEqual(known.nodes);
});

it('hashes the known static feed to its key', () => {
  const writer = new Writer(crypto, crypto.keyPair());
  writer.append(merkle.staticFeed.blocks.map(unhex));
  expect(hex(treeHash(crypto, writer.roots()))).toBe(merkle.staticFeed.key);
});

it('hashes several blocks as it does one', () => {
  const blocks = [0, 5, 300, 299, 301, 65_536, 65_536, 65_536].map((byteLength, i) => ({
    index: 2 ** 31 + i,
    value: new Uint8Array(byteLength).fill(i),
  }));
  expect(leaves(crypto, blocks)).toEqual(blocks.map(({ index, value }) => leaf(crypto, index, value)));
});

it('refuses a parent of more bytes than can be counted', () => {
  const left = { ...leaf(crypto, 0, new Uint8Array(1)), size: Number.MAX_SAFE_INTEGER };
  expect(() => parent(crypto, left, leaf(crypto, 1, new Uint8Array(1)))).toThrow(RangeError);
});

it.each(v6.discoveryKeys as { key: string }[])('names the feed $key', (known) => {
  const expected = (known as typeof known & { discoveryKey: string }).discoveryKey;
  expect(hex(discoveryKey(crypto, unhex(known.key)))).toBe(expected);
});

it('refuses a key that is none', () => {
  expect(() => discoveryKey(crypto, new Uint8Array(31))).toThrow(RangeError);
  expect(() => discoveryKey(crypto, 'key' as never)).toThrow(TypeError);
});
