/** A holder of a feed reduced to its tree: asks, answers and keeps what was proven. No storage, no wire. */
import type { CryptoProvider, KeyPair } from '../../src/crypto/provider.ts';
import { digest } from '../../src/feed/merkle/digest.ts';
import { leaf, parent, type TreeNode, treeHash } from '../../src/feed/merkle/hash.ts';
import { planProof } from '../../src/feed/merkle/proof.ts';
import { planVerification, type Verified, verifyProof } from '../../src/feed/merkle/verification.ts';

export interface Request {
  readonly block: number;
  readonly digest: number;
  readonly hash: boolean;
}

export interface Answer {
  readonly block: number;
  readonly value: Uint8Array | undefined;
  readonly nodes: readonly TreeNode[];
  readonly signature: Uint8Array | undefined;
}

export class Holder {
  readonly crypto: CryptoProvider;
  readonly key: Uint8Array;
  readonly nodes = new Map<number, TreeNode>();
  readonly blocks = new Map<number, Uint8Array>();
  readonly signatures = new Map<number, Uint8Array>();
  length = 0;

  constructor(crypto: CryptoProvider, key: Uint8Array) {
    this.crypto = crypto;
    this.key = key;
  }

  readonly has = (node: number): boolean => this.nodes.has(node);

  request(block: number, hash = false): Request {
    return { block, hash, digest: digest(block, this.has, this.length) };
  }

  answer({ block, digest, hash }: Request): Answer | undefined {
    const plan = planProof(block, this.length, this.has, { digest, hash });
    if (plan === undefined || (!hash && !this.blocks.has(block))) return undefined;
    const signature = plan.length === undefined ? undefined : this.signatures.get(plan.length);
    if (plan.length !== undefined && signature === undefined && this.signatures.size > 0) {
      throw new Error(`planned a signature that is not held: ${plan.length}`);
    }
    const nodes = plan.nodes.map((index) => this.nodes.get(index)!);
    if (nodes.includes(undefined as never)) throw new Error(`planned nodes that are not held: ${plan.nodes}`);
    return { block, value: hash ? undefined : this.blocks.get(block)!, nodes, signature };
  }

  /** Verifies with no more of the own tree than was planned for. */
  verify({ block, value, nodes, signature }: Answer): Verified {
    const planned = new Map<number, TreeNode>();
    const hasValue = value !== undefined;
    for (const index of planVerification(block, nodes, hasValue, signature !== undefined, this.has)) {
      planned.set(index, this.nodes.get(index)!);
    }
    const { crypto, key } = this;
    const local = (index: number) => planned.get(index);
    return verifyProof({ crypto, key, block, value, nodes, signature, local }) as Verified;
  }

  keep({ block, value }: Answer, verified: Verified): void {
    for (const node of verified.nodes) this.nodes.set(node.index, node);
    if (value !== undefined) this.blocks.set(block, value);
    if (verified.length === undefined) return;
    if (verified.signature !== undefined) this.signatures.set(verified.length, verified.signature);
    this.length = Math.max(this.length, verified.length);
  }

  fetch(block: number, from: Holder, hash = false): Verified {
    const answer = from.answer(this.request(block, hash));
    if (answer === undefined) throw new Error(`no answer for block ${block}`);
    const verified = this.verify(answer);
    this.keep(answer, verified);
    return verified;
  }

  clone(): Holder {
    const copy = new Holder(this.crypto, this.key);
    for (const [index, node] of this.nodes) copy.nodes.set(index, node);
    for (const [block, value] of this.blocks) copy.blocks.set(block, value);
    for (const [length, signature] of this.signatures) copy.signatures.set(length, signature);
    copy.length = this.length;
    return copy;
  }
}

/** Holds everything, and signs. Its tree is built by recursion from the top, not by climbing. */
export class Writer extends Holder {
  readonly secretKey: Uint8Array;

  constructor(crypto: CryptoProvider, pair: KeyPair) {
    super(crypto, pair.publicKey);
    this.secretKey = pair.secretKey;
  }

  append(values: readonly Uint8Array[]): void {
    for (const value of values) this.blocks.set(this.length++, value);
    const roots = this.roots();
    this.signatures.set(this.length, this.crypto.sign(treeHash(this.crypto, roots), this.secretKey));
  }

  roots(): TreeNode[] {
    const roots: TreeNode[] = [];
    for (let start = 0; start < this.length; ) {
      let blocks = 1;
      while (start + blocks * 2 <= this.length) blocks *= 2;
      roots.push(this.#build(start, blocks));
      start += blocks;
    }
    return roots;
  }

  #build(start: number, blocks: number): TreeNode {
    const half = blocks / 2;
    const node =
      blocks === 1
        ? leaf(this.crypto, start, this.blocks.get(start)!)
        : parent(this.crypto, this.#build(start, half), this.#build(start + half, half));
    this.nodes.set(node.index, node);
    return node;
  }
}
