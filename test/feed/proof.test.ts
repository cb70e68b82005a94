import { describe, expect, it } from 'vitest';
import { libsodium } from '../../src/crypto/libsodium.ts';
import * as flat from '../../src/feed/merkle/flat-tree.ts';
import { type TreeNode, treeHash, u64be } from '../../src/feed/merkle/hash.ts';
import { planProof } from '../../src/feed/merkle/proof.ts';
import { MAX_PROOF_NODES, planVerification, verifyProof } from '../../src/feed/merkle/verification.ts';
import { hex, unhex, v6 } from '../vectors/index.ts';
import { type Answer, Holder, Writer } from './holder.ts';

const crypto = await libsodium();
const pair = crypto.keyPair(unhex(v6.merkle.seed));
const known: Uint8Array[] = v6.merkle.blocks.map(unhex);

function writer(length: number, values: readonly Uint8Array[] = known): Writer {
  const made = new Writer(crypto, pair);
  made.append(values.slice(0, length));
  return made;
}

const empty = (): Holder => new Holder(crypto, pair.publicKey);
const indices = (nodes: readonly TreeNode[]): number[] => nodes.map((node) => node.index);
const unproven = expect.objectContaining({ code: 'verification' });

describe('the known answers', () => {
  const source = writer(v6.proofs.length);

  it.each(v6.proofs.cases as { block: number; digest: number; hash: boolean }[])(
    'of block $block, digest $digest, hash $hash',
    (request) => {
      const expected = request as typeof request & {
        nodes: { index: number; hash: string; size: number }[];
        signature?: string | null;
      };
      const answer = source.answer(request)!;
      expect(answer.nodes.map((node) => ({ ...node, hash: hex(node.hash) }))).toEqual(expected.nodes);
      expect(answer.signature && hex(answer.signature)).toBe(expected.signature ?? undefined);

      const holder = request.digest === 1 ? source.clone() : empty();
      const nodes = expected.nodes.map((node) => ({ ...node, hash: unhex(node.hash) }));
      if (request.hash || nodes.length > 0 || answer.value !== undefined) {
        const signature = expected.signature ? unhex(expected.signature) : undefined;
        const verified = holder.verify({ ...answer, nodes, signature });
        expect(verified.leaf).toEqual(source.nodes.get(2 * request.block));
        expect(verified.length).toBe(signature === undefined ? undefined : 5);
        for (const node of verified.nodes) expect(node).toEqual(source.nodes.get(node.index));
      }
    },
  );
});

describe('what cannot be proven', () => {
  it('is not planned: an unknown block, one past the length, a tree with a hole', () => {
    const source = writer(8);
    const request = { digest: 0, hash: false };
    expect(planProof(8, 8, source.has, request)).toBeUndefined();
    expect(planProof(6, 6, source.has, request)).toBeUndefined();
    expect(planProof(2 ** 53 - 1, 8, () => true, request)).toBeUndefined();
    for (const [block, hole] of [
      [5, 8],
      [4, 3],
      [7, 9],
    ] as const) {
      expect(
        planProof(block, 8, (node) => node !== hole && node !== 7 && source.has(node), request),
      ).toBeUndefined();
    }
    expect(planProof(5, 6, source.has, request)).toEqual({ nodes: [8, 3], length: 6 });
  });

  it('is refused: no value and no nodes', () => {
    expect(() => empty().verify({ block: 0, value: undefined, nodes: [], signature: undefined })).toThrow(
      unproven,
    );
  });

  it('is refused: a hash alone that is not the block’s own', () => {
    const source = writer(8);
    const answer = source.answer({ block: 2, digest: 0, hash: true })!;
    const holder = source.clone();
    expect(() => holder.verify({ ...answer, block: 3 })).toThrow(/not its own/);
    expect(() => holder.verify({ ...answer, block: 2 })).not.toThrow();
  });

  it('is refused: right roots with a right signature that the block does not lead to', () => {
    const source = writer(8);
    const nodes = [source.nodes.get(7)!];
    const signature = source.signatures.get(8);
    const bogus = { block: 2, value: Uint8Array.of(6, 6, 6), nodes, signature };
    expect(() => empty().verify(bogus)).toThrow(unproven);
    const sixteen = writer(16);
    const roots = [sixteen.nodes.get(2)!, sixteen.nodes.get(15)!];
    expect(() => empty().verify({ ...bogus, nodes: roots, signature: sixteen.signatures.get(16) })).toThrow(
      unproven,
    );
  });

  it('is refused: hashes, sizes, numbers and signatures of the wrong shape', () => {
    const answer = writer(8).answer({ block: 2, digest: 0, hash: false })!;
    const first = answer.nodes[0]!;
    const withFirst = (change: Partial<TreeNode>): Answer => ({
      ...answer,
      nodes: [{ ...first, ...change }, ...answer.nodes.slice(1)],
    });
    const surplus = (change: Partial<TreeNode>): Answer => ({
      ...answer,
      nodes: [...answer.nodes, { ...first, ...change }],
    });
    for (const wrong of [
      { hash: first.hash.subarray(1) },
      { hash: new Uint8Array(33) },
      { size: Number.MAX_SAFE_INTEGER },
      { size: 2 ** 53 },
      { size: -1 },
      { size: 0.5 },
      { index: 2 ** 53 - 1 },
      { index: -2 },
      { index: 4.5 },
    ]) {
      expect(() => empty().verify(withFirst(wrong))).toThrow(unproven);
      if (wrong.size !== Number.MAX_SAFE_INTEGER)
        expect(() => empty().verify(surplus(wrong))).toThrow(unproven);
    }
    expect(() => empty().verify({ ...answer, signature: new Uint8Array(63) })).toThrow(/63 bytes and not 64/);
    expect(() => empty().verify({ ...answer, signature: new Uint8Array() })).toThrow(unproven);
    expect(() => empty().verify({ ...answer, block: 2 ** 52 })).toThrow(unproven);
    const roots = writer(3).answer({ block: 2, digest: 0, hash: false })!;
    const heavy = { ...roots.nodes[0]!, size: Number.MAX_SAFE_INTEGER };
    expect(() => empty().verify({ ...roots, nodes: [heavy] })).toThrow(/sizes pass/);
  });

  it('is refused: more nodes than any proof has', () => {
    const source = writer(17);
    const answer = source.answer({ block: 2, digest: 0, hash: false })!;
    const holder = source.clone();
    const padded = (count: number) => ({
      ...answer,
      nodes: Array.from({ length: count }, () => source.nodes.get(0)!),
    });
    expect(holder.verify(padded(MAX_PROOF_NODES)).nodes).toEqual([]);
    expect(() => holder.verify(padded(MAX_PROOF_NODES + 1))).toThrow(unproven);
    expect(
      planVerification(2, new Array(MAX_PROOF_NODES + 1).fill({ index: 0 }), true, true, () => true),
    ).toEqual([]);
  });

  it('names the block, what failed, and what to do', () => {
    const answer = writer(8).answer({ block: 2, digest: 0, hash: false })!;
    const wrong = () => empty().verify({ ...answer, signature: new Uint8Array(64) });
    expect(wrong).toThrow(expect.objectContaining({ code: 'verification', block: 2 }));
    expect(wrong).toThrow(/Block 2 .*signature.*length 8.*ask another/);
  });

  it('misuse is no peer’s fault', () => {
    const answer = {
      ...writer(1).answer({ block: 0, digest: 0, hash: false })!,
      crypto,
      local: () => undefined,
    };
    expect(() => verifyProof({ ...answer, key: new Uint8Array(31) })).toThrow(RangeError);
    expect(() => verifyProof({ ...answer, key: pair.publicKey, block: -1 })).toThrow(RangeError);
    expect(() => verifyProof({ ...answer, key: pair.publicKey, block: '0' as never })).toThrow(TypeError);
  });
});

describe('what is kept', () => {
  it('leaves out received nodes that the proof did not need', () => {
    const source = writer(17);
    const holder = empty();
    holder.fetch(0, source);
    const forged = { index: 26, hash: new Uint8Array(32), size: 1 };
    const answer = source.answer(holder.request(1))!;
    const verified = holder.verify({ ...answer, nodes: [...answer.nodes, forged, source.nodes.get(24)!] });
    expect(verified.nodes.every((node) => holder.has(node.index))).toBe(true);
    expect(verified.length).toBeUndefined();
    expect(indices(holder.fetch(10, source).nodes)).not.toContain(26);
  });

  it('has the leaf, the siblings, the parents and the roots of a first block', () => {
    const source = writer(11);
    const verified = empty().fetch(2, source);
    expect(indices(verified.nodes).sort((a, b) => a - b)).toEqual([1, 3, 4, 5, 6, 7, 11, 17, 20]);
    expect(indices(verified.roots!)).toEqual([7, 17, 20]);
    expect(verified).toMatchObject({ length: 11, signature: source.signatures.get(11)! });
    expect(verified.leaf).toEqual(source.nodes.get(4));
  });

  it('has no sizes that nobody proved: a hash-only answer may split a sum at will', () => {
    const source = writer(8);
    const holder = empty();
    const answer = source.answer({ block: 2, digest: 0, hash: true })!;
    const [own, other, ...rest] = answer.nodes as [TreeNode, TreeNode, ...TreeNode[]];
    const nodes = [{ ...own, size: own.size + 3 }, { ...other, size: other.size - 3 }, ...rest];
    const verified = holder.verify({ ...answer, nodes });
    expect(indices(verified.nodes).sort((a, b) => a - b)).toEqual([1, 3, 5, 7, 11]);
    holder.keep(answer, verified);
    for (const block of [3, 2, 0]) holder.fetch(block, source);
    for (const [index, node] of holder.nodes) expect(node).toEqual(source.nodes.get(index));

    // Where the sibling is held, or the leaf, or the leaf is a root, the size is proven.
    const knows = empty();
    knows.fetch(3, source);
    knows.nodes.delete(4);
    const request = { block: 2, digest: 2, hash: true };
    expect(indices(knows.verify(source.answer(request)!).nodes)).toEqual([4]);
    expect(indices(empty().fetch(4, writer(5), true).nodes)).toEqual([8, 3]);
    const grown = [{ ...own, size: own.size + 1 }];
    expect(() => source.clone().verify({ ...answer, nodes: grown, signature: undefined })).toThrow(
      /wrong size/,
    );
  });

  it('is the same when the signature takes its time', async () => {
    const source = writer(8);
    const slow = {
      ...crypto,
      verify: async (...all: Parameters<typeof crypto.verify>) => crypto.verify(...all),
    };
    const answer = source.answer({ block: 2, digest: 0, hash: false })!;
    const proof = { ...answer, crypto: slow, key: pair.publicKey, local: () => undefined };
    const pending = verifyProof(proof);
    expect(pending).toBeInstanceOf(Promise);
    expect(await pending).toEqual(empty().verify(answer));
    await expect(verifyProof({ ...proof, signature: new Uint8Array(64) })).rejects.toThrow(unproven);
    // Another realm's promise is no instance of ours, and must not pass for a yes.
    const foreign = (valid: boolean) =>
      // biome-ignore lint/suspicious/noThenProperty: a promise that is not this realm's is what is tested
      ({ then: (next: (valid: boolean) => unknown) => next(valid) }) as never;
    for (const verify of [() => foreign(false), () => 'no' as never, () => ({}) as never]) {
      const answered = async () => verifyProof({ ...proof, crypto: { ...crypto, verify } });
      await expect(answered()).rejects.toThrow(unproven);
    }
    const agrees = { ...crypto, verify: () => foreign(true) };
    expect(await verifyProof({ ...proof, crypto: agrees })).toMatchObject({ length: 8 });
    const nine = nineSignature(source, 8);
    expect(await verifyProof({ ...proof, signature: nine })).toMatchObject({ length: 8, signature: nine });
  });

  it('comes from older, shorter trees too', () => {
    const source = writer(6);
    const older = source.clone();
    source.append(known.slice(6, 13));
    const holder = empty();
    holder.fetch(12, source);
    const verified = holder.fetch(5, older);
    expect(verified.length ?? 13).toBeLessThanOrEqual(13);
    expect(holder.length).toBe(13);
  });
});

function nineSignature(source: Writer, length: number): Uint8Array {
  const message = new Uint8Array(40);
  message.set(treeHash(crypto, source.roots()));
  message.set(u64be(length), 32);
  return crypto.sign(message, pair.secretKey);
}

describe('whose signature', () => {
  it('may be hypercore 9’s, which has the length in it', () => {
    const source = writer(8);
    const answer = source.answer({ block: 2, digest: 0, hash: false })!;
    expect(empty().verify({ ...answer, signature: nineSignature(source, 8) }).length).toBe(8);
    expect(() => empty().verify({ ...answer, signature: nineSignature(source, 9) })).toThrow(unproven);
  });

  it('is none for a static feed, whose key is its tree hash', () => {
    const { blocks, key } = v6.merkle.staticFeed;
    const source = writer(3, blocks.map(unhex));
    source.signatures.clear();
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ]) {
      const holder = new Holder(crypto, unhex(key));
      const first = holder.fetch(order[0]!, source);
      expect(first).toMatchObject({ length: 3 });
      expect(first.signature).toBeUndefined();
      expect(indices(first.roots!)).toEqual([1, 4]);
      for (const block of order.slice(1)) holder.fetch(block, source);
      expect(holder.nodes.size).toBe(4);
      const answer = source.answer({ block: 1, digest: 0, hash: false })!;
      expect(() => holder.verify({ ...answer, value: Uint8Array.of(9) })).toThrow(/held here/);
      expect(() => new Holder(crypto, unhex(key)).verify({ ...answer, value: Uint8Array.of(9) })).toThrow(
        unproven,
      );
    }
    const answer = source.answer({ block: 1, digest: 0, hash: false })!;
    expect(() => empty().verify(answer)).toThrow(/no signature/);
  });

  it('shows a fork when it is right and the history is not the one held here', () => {
    const mine = writer(8);
    const changed = [...known];
    changed[5] = Uint8Array.of(1, 2, 3);
    for (const length of [6, 8, 11]) {
      const theirs = writer(length, changed);
      const forked = expect.objectContaining({ code: 'fork', block: 5 });
      const answer = theirs.answer({ block: 5, digest: 0, hash: false })!;
      expect(() => mine.clone().verify(answer)).toThrow(forked);
      expect(() => mine.clone().verify(answer)).toThrow(/Block 5 .*two histories/);
      expect(() => mine.clone().verify(theirs.answer({ block: 5, digest: 0, hash: true })!)).toThrow(forked);
      // Without a right signature it is only a wrong block.
      expect(() => mine.clone().verify({ ...answer, signature: new Uint8Array(64) })).toThrow(unproven);
      expect(() => mine.clone().verify({ ...answer, signature: undefined })).toThrow(unproven);
      // It may leave out what both have, node 3, and still be recognized.
      expect(() => mine.clone().verify(theirs.answer({ block: 5, digest: 8, hash: false })!)).toThrow(forked);
    }
    // A sibling that differs, or a root, is a fork as much as the block.
    const five = writer(5).clone();
    changed[4] = Uint8Array.of(4);
    const six = writer(8, changed).answer({ block: 5, digest: 0, hash: false })!;
    expect(() => five.verify(six)).toThrow(/node 8 .*two histories/);
    const seven = writer(7).clone();
    const root = writer(7, changed).answer({ block: 6, digest: 0, hash: false })!;
    seven.nodes.delete(12);
    expect(() => seven.verify(root)).toThrow(/node 9 .*two histories/);
    // What both histories share is no fork.
    expect(() =>
      mine.clone().verify(writer(4, changed).answer({ block: 2, digest: 0, hash: false })!),
    ).not.toThrow();
  });
});

it('climbs to the top of the largest feed without leaving the exact numbers', () => {
  const asked: number[] = [];
  const all = (node: number) => asked.push(node) > 0;
  const last = 2 ** 52 - 1;
  planVerification(last, [], true, true, all);
  planProof(last, 2 ** 52, all, { digest: 0, hash: false });
  expect(Math.max(...asked)).toBe(flat.MAX_NODE);
  expect(Math.min(...asked)).toBeGreaterThanOrEqual(0);
  expect(planProof(last, 2 ** 52, () => true, { digest: 0, hash: true })!.nodes).toHaveLength(53);
  expect(planVerification(2 ** 52, [], true, true, () => true)).toEqual([]);
});
