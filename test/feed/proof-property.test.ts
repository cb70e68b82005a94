import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { libsodium } from '../../src/crypto/libsodium.ts';
import { digest, heldByRemote } from '../../src/feed/merkle/digest.ts';
import { planProof } from '../../src/feed/merkle/proof.ts';
import type { Verified } from '../../src/feed/merkle/verification.ts';
import { type Answer, Holder, Writer } from './holder.ts';

const crypto = await libsodium();
const pair = crypto.keyPair(new Uint8Array(32).fill(7));

/** Holds blocks of 0 to 6 bytes, each another. */
function writer(length: number): Writer {
  const made = new Writer(crypto, pair);
  made.append(Array.from({ length }, (_, i) => new Uint8Array(i % 7).fill(i)));
  return made;
}

const empty = (): Holder => new Holder(crypto, pair.publicKey);

describe('any feed, any holder, any order', () => {
  const steps = fc.array(
    fc.record({
      from: fc.nat({ max: 2 }),
      to: fc.nat({ max: 1 }),
      block: fc.nat({ max: 1000 }),
      hash: fc.boolean(),
      append: fc.option(fc.integer({ min: 1, max: 9 }), { freq: 4 }),
      // How many answers are under way before the first is taken in, and which is taken.
      late: fc.nat({ max: 4 }),
    }),
    { minLength: 1, maxLength: 90 },
  );

  it('proves every block that its holder has, and converges on the writer', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), steps, (length, actions) => {
        let made = 0;
        const values = (count: number) =>
          Array.from({ length: count }, () => new Uint8Array(made++ % 5).fill(made));
        const source = new Writer(crypto, pair);
        source.append(values(length));
        const sparse = [empty(), empty()];
        const everyone = [...sparse, source];
        const underWay: { to: Holder; answer: Answer }[] = [];
        const takeIn = (at: number): void => {
          const [{ to, answer }] = underWay.splice(at % underWay.length, 1) as [(typeof underWay)[0]];
          to.keep(answer, to.verify(answer));
        };
        for (const { from, to, block, hash, append, late } of actions) {
          if (append !== null && source.length + append <= 70) source.append(values(append));
          const asked = everyone[from]!;
          const asking = sparse[to]!;
          const held = [...(hash ? asked.nodes.keys() : asked.blocks.keys())].filter(
            (n) => !hash || n % 2 === 0,
          );
          if (asked === asking || held.length === 0) continue;
          const wanted = held[block % held.length]! / (hash ? 2 : 1);
          const request = asking.request(wanted, hash);
          for (const node of request.digest === 1 ? [] : heldByRemote(wanted, request.digest)) {
            expect(asking.has(node)).toBe(true);
          }
          expect(request.digest).toBe(digest(wanted, asking.has));
          const answer = asked.answer(request);
          expect(answer).toBeDefined();
          underWay.push({ to: asking, answer: answer! });
          if (underWay.length > late) takeIn(late);
        }
        while (underWay.length > 0) takeIn(0);
        // The second gets the rest from the first, which is sparse until the last block.
        for (let block = 0; block < source.length; block++) sparse[0]!.fetch(block, source);
        for (let block = source.length - 1; block >= 0; block--) sparse[1]!.fetch(block, sparse[0]!);
        for (const holder of sparse) {
          expect(holder.length).toBe(source.length);
          expect(holder.nodes.size).toBe(source.nodes.size);
          for (const [index, node] of holder.nodes) expect(node).toEqual(source.nodes.get(index));
          for (const [at, signature] of holder.signatures)
            expect(signature).toEqual(source.signatures.get(at));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('asks for no node that is held already, and gets by without a signature under a trusted one', () => {
    const source = writer(17);
    const holder = empty();
    holder.fetch(3, source);
    for (const block of [2, 0, 1, 7, 16, 12, 9]) {
      const { digest } = holder.request(block);
      const plan = planProof(block, 17, source.has, { digest, hash: false })!;
      expect(plan.nodes.some(holder.has)).toBe(false);
      expect(plan.length).toBeUndefined();
      holder.fetch(block, source);
    }
  });
});

/** Every number that differs from `value` in one bit of 54. */
function flips(value: number): number[] {
  return Array.from({ length: 54 }, (_, bit) => Number(BigInt(value) ^ (1n << BigInt(bit))));
}

function* flipped(bytes: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < bytes.byteLength * 8; bit++) {
    const copy = bytes.slice();
    copy[bit >> 3]! ^= 0x80 >> (bit & 7);
    yield copy;
  }
}

function* mutants(answer: Answer): Generator<Answer> {
  const { value, signature, nodes } = answer;
  if (value !== undefined) for (const other of flipped(value)) yield { ...answer, value: other };
  if (signature !== undefined) for (const other of flipped(signature)) yield { ...answer, signature: other };
  for (const [at, node] of nodes.entries()) {
    for (const hash of flipped(node.hash)) yield { ...answer, nodes: nodes.with(at, { ...node, hash }) };
    for (const size of flips(node.size)) yield { ...answer, nodes: nodes.with(at, { ...node, size }) };
    for (const index of flips(node.index)) yield { ...answer, nodes: nodes.with(at, { ...node, index }) };
    yield { ...answer, nodes: nodes.toSpliced(at, 1) };
  }
}

/** What of a result is true of the feed whatever was sent; `undefined` where it was refused. */
function stored(holder: Holder, answer: Answer): Verified | undefined {
  try {
    const verified = holder.verify(answer);
    const nodes = verified.nodes.toSorted((a, b) => a.index - b.index);
    return { ...verified, nodes };
  } catch (error) {
    expect(error).toMatchObject({
      code: expect.stringMatching(/^(verification|fork)$/),
      block: answer.block,
    });
    return undefined;
  }
}

describe('one bit', () => {
  const source = writer(11);
  const states: [string, number[]][] = [
    ['nothing', []],
    ['one block', [3]],
    ['most blocks', [0, 3, 5, 9, 10]],
    ['the block itself', [6]],
  ];
  for (const [name, held] of states) {
    for (const hash of [false, true]) {
      it(`changes nothing that is kept: ${name} held, ${hash ? 'hash' : 'value'} sent`, () => {
        const holder = empty();
        for (const block of held) holder.fetch(block, source);
        let refused = 0;
        for (const block of [6, 10]) {
          for (const digest of new Set([0, holder.request(block).digest])) {
            const answer = source.answer({ block, digest, hash })!;
            const right = stored(holder, answer)!;
            expect(right).toBeDefined();
            for (const mutant of mutants(answer)) {
              const result = stored(holder, mutant);
              if (result === undefined) refused++;
              else expect(result).toEqual(right);
            }
          }
        }
        expect(refused).toBeGreaterThan(100);
      });
    }
  }
});
