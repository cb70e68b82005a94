import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { libsodium } from '../../src/crypto/libsodium.ts';
import { digest, heldByRemote } from '../../src/feed/merkle/digest.ts';
import * as flat from '../../src/feed/merkle/flat-tree.ts';
import { planProof } from '../../src/feed/merkle/proof.ts';
import { unhex, v6 } from '../vectors/index.ts';
import { Holder, Writer } from './holder.ts';

interface Case {
  name: string;
  remoteLength: number;
  have: number[];
  block: number;
  digest: number;
  hash?: boolean;
  proofNodes: number[];
  verifiedBy: number;
  assumedHave: number[];
  note?: string;
}

const crypto = await libsodium();
const writers = new Map<number, Writer>();

function writer(length: number): Writer {
  let made = writers.get(length);
  if (made === undefined) {
    made = new Writer(crypto, crypto.keyPair(unhex(v6.merkle.seed)));
    made.append(v6.merkle.blocks.slice(0, length).map(unhex));
    writers.set(length, made);
  }
  return made;
}

const plan = ({ remoteLength, block, digest, hash = false }: Case) =>
  planProof(block, remoteLength, writer(remoteLength).has, { digest, hash });

const planned = ({ proofNodes, verifiedBy }: Case) => ({
  nodes: proofNodes,
  length: verifiedBy === 0 ? undefined : verifiedBy / 2,
});

it.each(v6.digest.cases as Case[])('$name of $remoteLength, block $block: asks and answers', (known) => {
  const have = new Set(known.have);
  // The one case in which the reference says less than it holds; the case after it says it in full.
  const expected = known.note === undefined ? known.digest : 33;
  expect(digest(known.block, (node) => have.has(node))).toBe(expected);
  expect(plan(known)).toEqual(planned(known));
});

it.each(v6.digest.rawDigestsSeenByUploader as Case[])('answers the digest $digest, hash $hash', (known) => {
  expect(plan(known)).toEqual(planned(known));
  const { has } = writer(known.remoteLength);
  const held = known.digest === 1 ? new Set<number>() : heldByRemote(known.block, known.digest);
  const assumed = new Set([...held].filter(has));
  // The reference adds a parent where it knows of both children; ours does not need it.
  for (const node of assumed) if (assumed.has(flat.sibling(node))) assumed.add(flat.parent(node));
  expect([...assumed].sort((a, b) => a - b)).toEqual(known.assumedHave);
});

it('answers each of a row of requests so that nothing of the earlier ones is needed', () => {
  const { remoteLength, requests } = v6.digest.statefulUploader as { remoteLength: number; requests: Case[] };
  const source = writer(remoteLength);
  for (const request of requests) {
    const fresh = new Holder(crypto, source.key);
    for (const node of heldByRemote(request.block, request.digest)) {
      fresh.nodes.set(node, source.nodes.get(node)!);
    }
    const answer = source.answer({ ...request, hash: false })!;
    expect(answer.nodes.map((node) => node.index)).toEqual(expect.arrayContaining(request.proofNodes));
    expect(fresh.verify(answer).length).toBe(remoteLength);
  }
});

/** The rule of the wire, on numbers without a limit. */
function naiveDigest(block: number, has: (node: number) => boolean): bigint {
  let node = 2 * block;
  if (has(node)) return 1n;
  let bits = 0n;
  for (let level = 0n; level < 51n; level++) {
    if (has(flat.sibling(node))) bits |= 1n << (level + 1n);
    node = flat.parent(node);
    if (!has(node)) continue;
    bits |= 1n | (1n << (level + 2n));
    return bits === (1n << (level + 3n)) - 1n ? 1n : bits;
  }
  return bits;
}

it('says the same as the rule, for any block and any set of nodes', () => {
  const holding = fc.array(fc.constantFrom('no', 'sibling', 'up'), { minLength: 52, maxLength: 52 });
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 52 - 1 }), holding, (block, holds) => {
      const have = new Set<number>();
      let node = 2 * block;
      for (const what of holds) {
        if (what === 'sibling') have.add(flat.sibling(node));
        node = flat.parent(node);
        // Rare, or no walk would get far.
        if (what === 'up' && holds.filter((other) => other === 'up').length < 20) have.add(node);
      }
      const has = (node: number) => have.has(node);
      expect(BigInt(digest(block, has))).toBe(naiveDigest(block, has));
    }),
  );
});

it('never passes 2^53-1, and stays on numbers that are exact', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 52 - 1 }), fc.boolean(), (block, everySibling) => {
      const way = new Set([2 * block]);
      const asked: number[] = [];
      const value = digest(block, (node) => {
        asked.push(node);
        const other = flat.sibling(node);
        if (way.has(node)) return false;
        if (way.has(other)) {
          way.add(flat.parent(node));
          return everySibling;
        }
        return false;
      });
      expect(Number.isSafeInteger(value)).toBe(true);
      expect(Math.max(...asked)).toBeLessThanOrEqual(flat.MAX_NODE);
      expect(asked.length).toBeLessThan(110);
    }),
    { examples: [[2 ** 52 - 1, true]] },
  );
});

it('reads any number without end or nodes out of range', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 52 - 1 }), fc.maxSafeNat(), (block, value) => {
      for (const node of heldByRemote(block, value)) {
        expect(Number.isSafeInteger(node) && node >= 0 && node <= flat.MAX_NODE).toBe(true);
      }
    }),
    {
      examples: [
        [2 ** 52 - 1, Number.MAX_SAFE_INTEGER],
        [0, Number.MAX_SAFE_INTEGER],
        [0, 2 ** 52 + 1],
      ],
    },
  );
});

it('reads back every sibling and the node that a digest names', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 2 ** 51 - 1 }),
      fc.uniqueArray(fc.nat({ max: 30 })),
      fc.option(fc.nat({ max: 30 })),
      (block, siblings, top) => {
        let node = 2 * block;
        let value = 0n;
        const expected = new Set<number>();
        for (let level = 0; level <= 30; level++) {
          if (level === top) {
            value |= 1n | (1n << BigInt(level + 1));
            expected.add(node);
            for (const root of flat.fullRoots(flat.leftSpan(node) / 2)) expected.add(root);
            break;
          }
          if (siblings.includes(level)) {
            value |= 1n << BigInt(level + 1);
            expected.add(flat.sibling(node));
          }
          node = flat.parent(node);
        }
        expect(heldByRemote(block, Number(value))).toEqual(expected);
      },
    ),
  );
});

it.each([1, 2, 3, 4, 17])('looks no further than a length of %i asks for, and says the same', (length) => {
  const { has } = writer(length);
  for (let block = 0; block < length + 7; block++) {
    let looked = 0;
    const counting = (node: number) => {
      looked++;
      return node !== 2 * block && has(node);
    };
    expect(digest(block, counting, length)).toBe(digest(block, (node) => node !== 2 * block && has(node)));
    expect(looked).toBeLessThan(15);
  }
  // All siblings, and none of the parents.
  for (let block = 0; block < length; block++) {
    const way = new Set([2 * block]);
    for (let node = 2 * block; way.size < 8; way.add(node)) node = flat.parent(node);
    const held = (node: number) => !way.has(node) && has(node);
    expect(digest(block, held, length)).toBe(digest(block, held));
  }
});
