/**
 * How a downloader checks a block: it climbs from the block to a node that it trusts already, or to roots
 * that the feed's key signed.
 */
import { equals } from 'uint8arrays/equals';
import type { CryptoProvider } from '../../crypto/provider.ts';
import { assertBytes, assertInteger, ProtocolError } from '../../errors.ts';
import { after, type MaybePromise } from '../../stream/stage.ts';
import * as flat from './flat-tree.ts';
import { ForkError, type SignedTree } from './fork.ts';
import { leaf, parent, sameHash, type TreeNode, treeHash } from './hash.ts';
import { verifySignature } from './signature.ts';

/** A proof is a leaf, at most 52 siblings and at most 52 further roots, 105 nodes in all. More than this is abuse. */
export const MAX_PROOF_NODES = 128;

const OURS = -1;

/**
 * The way up from a block as far as received and own nodes carry it, taken step by step: most proofs meet a trusted
 * node early. Received nodes count only in the order in which they came.
 */
class Climb {
  /** The node reached so far. */
  top: number;
  /** The last step's: this and the node before are the children of `top`. */
  other = 0;
  /** Where `other` is: a position in the received nodes, or `OURS`. */
  from: number = OURS;
  readonly #received: readonly { readonly index: number }[];
  readonly #has: (node: number) => boolean;
  #next: number;
  #depth = 0;

  constructor(
    block: number,
    received: readonly { readonly index: number }[],
    hasValue: boolean,
    has: (node: number) => boolean,
  ) {
    this.top = 2 * block;
    this.#received = received;
    this.#has = has;
    this.#next = hasValue ? 0 : 1;
  }

  /** Goes one up; false where nothing carries it any further. */
  step(): boolean {
    if (this.#depth >= flat.MAX_DEPTH) return false;
    const other = flat.sibling(this.top, this.#depth);
    const from = this.#received[this.#next]?.index === other ? this.#next++ : OURS;
    if (from === OURS && !this.#has(other)) return false;
    this.other = other;
    this.from = from;
    this.top = flat.between(this.top, other);
    this.#depth++;
    return true;
  }

  /**
   * Once there is no step any more: the length whose roots have to be signed, and where its roots come from, left to
   * right; the top itself stands as `OURS`.
   */
  end(): { length: number; roots: { readonly index: number; readonly from: number }[] } {
    const received = this.#received;
    const { top } = this;
    const last = this.#next < received.length ? received.at(-1)!.index : top;
    const length = (Math.max(flat.rightSpan(top), flat.rightSpan(last)) + 2) / 2;
    const roots = flat.fullRoots(length).map((index) => ({
      index,
      from: index !== top && received[this.#next]?.index === index ? this.#next++ : OURS,
    }));
    return { length, roots };
  }
}

/**
 * The nodes held here that {@link verifyProof} may ask for, so that they can be read in one go.
 *
 * @param received Data.nodes
 * @param hasValue whether Data brought the block, and not only its hash
 * @param signed whether Data brought a signature
 * @param has whether a node is held here
 */
export function planVerification(
  block: number,
  received: readonly { readonly index: number }[],
  hasValue: boolean,
  signed: boolean,
  has: (node: number) => boolean,
): number[] {
  if (misplaced(block, received, hasValue) !== undefined) return [];
  const wanted: number[] = [];
  const want = (node: number): boolean => {
    if (!has(node)) return false;
    if (!wanted.includes(node)) wanted.push(node);
    return true;
  };
  const way = new Climb(block, received, hasValue, has);
  // Without a signature nothing above a node held here is of use. With one, a difference there shows a fork.
  if (want(2 * block) && !signed) return wanted;
  while (way.step()) {
    if (way.from === OURS || signed) want(way.other);
    if (want(way.top) && !signed) return wanted;
  }
  for (const { index } of way.end().roots) want(index);
  return wanted;
}

/** A Data message and what it is held against. */
export interface Proof {
  readonly crypto: CryptoProvider;
  /** The feed's key, 32 bytes: who signed it, or, for a static feed, its tree hash. */
  readonly key: Uint8Array;
  readonly block: number;
  /** The block; absent where only its hash was sent. */
  readonly value?: Uint8Array | undefined;
  /** The node of `value`, where it was hashed already, with others. */
  readonly hashed?: TreeNode | undefined;
  readonly nodes: readonly TreeNode[];
  readonly signature?: Uint8Array | undefined;
  /** The node held here, all of which are trusted. Must know those that {@link planVerification} names. */
  readonly local: (index: number) => TreeNode | undefined;
}

/** What a Data message proved. */
export interface Verified {
  /**
   * The proven nodes that are not held here as they are, parents that were computed among them. To be stored
   * all or none: a node without the siblings above it cannot be proven to others.
   */
  readonly nodes: TreeNode[];
  /** The block's node. Its size is only proven when `value` came or `nodes` has it. */
  readonly leaf: TreeNode;
  /** In blocks; present when the proof went up to the roots of that length, and those were the key's. */
  readonly length?: number;
  /** The key's over that length; absent for a static feed. */
  readonly signature?: Uint8Array;
  /** The full roots of that length, left to right. */
  readonly roots?: TreeNode[];
}

/**
 * Verifies a Data message. Nodes that the proof does not need are ignored.
 *
 * @returns at once, or a promise where `crypto.verify` gives one
 * @throws ProtocolError `verification` when the block is not proven; `fork` when it is, by a signature over
 *   a history other than the one held here
 * @throws TypeError, RangeError when `key` or `block` is invalid
 */
export function verifyProof(proof: Proof): MaybePromise<Verified> {
  const { crypto, key, block, value, hashed, nodes, signature, local } = proof;
  assertBytes('key', key, 32);
  assertInteger('block', block);
  const fault = misplaced(block, nodes, value !== undefined) ?? misshapen(nodes, signature);
  if (fault !== undefined) throw unproven(block, fault);

  const first = value === undefined ? nodes[0]! : (hashed ?? leaf(crypto, block, value));
  const way = new Climb(block, nodes, value !== undefined, (index) => local(index) !== undefined);
  let splitIsOpen = false;
  let top = first;
  let differs: number | undefined;
  const proven = [top];
  for (;;) {
    const trusted = local(top.index);
    // Where one below was another than ours, both are signed, and only the signature tells what is.
    const agrees = trusted !== undefined && sameHash(trusted.hash, top.hash);
    if (agrees && differs === undefined) {
      if (top === nodes[0] && top.size !== trusted.size) throw unproven(block, 'it has a wrong size');
      return { nodes: kept(proven, splitIsOpen, local), leaf: first };
    }
    if (trusted !== undefined && !agrees) {
      if (signature === undefined) {
        throw unproven(block, `it leads to another hash for node ${top.index} than the one held here`);
      }
      differs ??= top.index;
    }
    if (!way.step()) break;
    splitIsOpen ||= value === undefined && top === first && way.from !== OURS;
    const other = way.from === OURS ? local(way.other)! : nodes[way.from]!;
    if (way.from !== OURS) proven.push(other);
    if (!Number.isSafeInteger(top.size + other.size)) throw unproven(block, 'its sizes pass 2^53-1 bytes');
    top = way.other < top.index ? parent(crypto, other, top) : parent(crypto, top, other);
    proven.push(top);
  }
  return verifyRoots(proof, { first, top, proven, way, differs, splitIsOpen });
}

/** How far a proof has come without a node that is held here. */
interface Reached {
  readonly first: TreeNode;
  readonly top: TreeNode;
  readonly proven: TreeNode[];
  readonly way: Climb;
  /** The lowest node that is another one here. */
  readonly differs: number | undefined;
  readonly splitIsOpen: boolean;
}

/** Holds the roots that a proof leads to against the key. */
function verifyRoots(
  proof: Proof,
  { first, top, proven, way, differs, splitIsOpen }: Reached,
): MaybePromise<Verified> {
  const { crypto, key, block, nodes, signature, local } = proof;
  const refuse = (what: string): MaybePromise<Verified> => {
    if (differs === undefined) throw unproven(block, what);
    // Another history ends elsewhere, so our nodes on the right may have led past its roots. Those on the
    // left it may share, and leave out because we have them.
    const left = (index: number): TreeNode | undefined =>
      flat.rightSpan(index) < 2 * block ? local(index) : undefined;
    return after(verifyProof({ ...proof, local: left }), (theirs) => {
      throw new ForkError(block, differs, signed(theirs));
    });
  };
  const { length, roots: places } = way.end();
  const roots: TreeNode[] = [];
  for (const { index, from } of places) {
    const root = index === top.index ? top : from === OURS ? local(index) : nodes[from];
    if (root === undefined) return refuse(`root ${index} of length ${length} is missing`);
    if (from !== OURS) proven.push(root);
    roots.push(root);
  }
  // Else the signature would be right, and say nothing about the block.
  if (!roots.includes(top)) return refuse(`it leads to no root of length ${length}`);
  if (!Number.isSafeInteger(roots.reduce((size, root) => size + root.size, 0))) {
    throw unproven(block, 'its sizes pass 2^53-1 bytes');
  }
  const hash = treeHash(crypto, roots);
  if (signature === undefined) {
    if (equals(hash, key)) return { nodes: kept(proven, splitIsOpen, local), leaf: first, length, roots };
    throw unproven(block, 'it has no signature and leads to no hash that is held here');
  }
  return after(verifySignature(crypto, key, signature, hash, length), (valid) => {
    if (!valid) return refuse(`its signature is not the key's over length ${length}`);
    for (const node of proven) {
      const trusted = local(node.index);
      if (trusted !== undefined && !sameHash(trusted.hash, node.hash))
        throw new ForkError(block, node.index, { length, roots, signature });
    }
    return { nodes: kept(proven, splitIsOpen, local), leaf: first, length, signature, roots };
  });
}

/**
 * Of what was proven, what is to be stored. A parent's hash has its children's sizes in it only as a sum. Where a leaf
 * and its sibling both came without their bytes, the sum can be split at will, so neither is one to keep.
 */
function kept(proven: readonly TreeNode[], splitIsOpen: boolean, local: Proof['local']): TreeNode[] {
  const nodes: TreeNode[] = [];
  for (let i = splitIsOpen ? 2 : 0; i < proven.length; i++)
    if (!same(proven[i]!, local(proven[i]!.index))) nodes.push(proven[i]!);
  return nodes;
}

/** What is wrong with where the nodes stand, in the words that {@link unproven} takes. */
function misplaced(
  block: number,
  received: readonly { readonly index: number }[],
  hasValue: boolean,
): string | undefined {
  if (2 * block > flat.MAX_NODE) return 'no feed is that long';
  if (received.length > MAX_PROOF_NODES) return `it brings ${received.length} nodes`;
  if (!hasValue && received.length === 0) return 'it has neither bytes nor hash';
  if (!hasValue && received[0]!.index !== 2 * block) return 'its first node is not its own';
  for (const { index } of received)
    if (!(Number.isSafeInteger(index) && index >= 0 && index <= flat.MAX_NODE))
      return 'it brings a node that no tree has';
  return undefined;
}

/** What is wrong with the nodes or the signature in themselves. */
function misshapen(nodes: readonly TreeNode[], signature: Uint8Array | undefined): string | undefined {
  for (const { index, hash, size } of nodes) {
    if (hash.byteLength !== 32) return `the hash of node ${index} has ${hash.byteLength} bytes and not 32`;
    if (!Number.isSafeInteger(size) || size < 0) return `the size of node ${index} is past 2^53-1 bytes`;
  }
  if (signature === undefined || signature.byteLength === 64) return undefined;
  return `its signature has ${signature.byteLength} bytes and not 64`;
}

/** With `local` cut to the left of the block nothing is proven but by a signature. */
function signed({ length, roots, signature }: Verified): SignedTree {
  return { length: length!, roots: roots!, signature: signature! };
}

function same(node: TreeNode, trusted: TreeNode | undefined): boolean {
  return trusted !== undefined && trusted.size === node.size && sameHash(trusted.hash, node.hash);
}

function unproven(block: number, what: string): ProtocolError {
  return new ProtocolError(
    'verification',
    `Block ${block} is not proven: ${what}. Nothing of it was kept; drop this peer and ask another.`,
    { block },
  );
}
