/**
 * What an uploader sends along with a block, so that the other side need not trust who sent it. How that is
 * checked is in `verification.ts`.
 */
import { heldByRemote } from './digest.ts';
import * as flat from './flat-tree.ts';

/** What an uploader answers a Request with, beside the block itself. */
export interface ProofPlan {
  /** Indices in the order in which they go on the wire (hypercore 7 wire: Data.nodes). */
  readonly nodes: number[];
  /** The length, in blocks, whose signature goes along (Data.signature); `undefined`: none is needed. */
  readonly length: number | undefined;
}

const NONE: ReadonlySet<number> = new Set();

/**
 * Plans the answer to a Request.
 *
 * @param length the longest signed length held here, in blocks; nodes past it are left alone
 * @param has whether a node is held here
 * @param request its `nodes`, `hash` and `batched` (hypercore 7 wire: Request)
 * @param batch the nodes that the answers before this one prove, to which those of this one are added
 * @returns `undefined` when the nodes held here cannot prove that block
 */
export function planProof(
  block: number,
  length: number,
  has: (node: number) => boolean,
  request: { readonly digest: number; readonly hash: boolean; readonly batched?: boolean | undefined },
  batch: Set<number> = new Set(),
): ProofPlan | undefined {
  const holds = (node: number, depth?: number): boolean =>
    flat.rightSpan(node, depth) < 2 * length && has(node);
  let node = 2 * block;
  if (!holds(node, 0)) return undefined;
  const nodes = request.hash ? [node] : [];
  const spared = request.batched ? batch : NONE;
  /** Up to the node at `depth` above the block. */
  const planned = (depth: number, signed?: number): ProofPlan => {
    // Of a hash alone, the other side keeps only what is above it.
    if (!request.hash) {
      for (let level = 0, proven = 2 * block; level <= depth; proven = flat.parent(proven, level++))
        batch.add(proven);
      for (const proven of nodes) batch.add(proven);
    }
    return { nodes, length: signed };
  };
  if (request.digest === 1) return planned(0);
  // As heldByRemote reads them: the siblings that the remote has, from below, and a last bit for the node that it has.
  const namesNode = request.digest % 2 === 1;
  let bits = Math.floor(request.digest / 2);
  let depth = 0;
  for (; !(namesNode && bits === 1) && !spared.has(node); depth++) {
    const other = flat.sibling(node, depth);
    if (depth === flat.MAX_DEPTH || !holds(other, depth)) {
      const roots = rootsWith(node, depth, holds);
      if (roots === undefined) return undefined;
      const held = heldByRemote(block, request.digest);
      for (const root of roots) if (root !== node && !held.has(root) && !spared.has(root)) nodes.push(root);
      return planned(depth, (flat.rightSpan(roots.at(-1)!) + 2) / 2);
    }
    if (bits % 2 === 0 && !spared.has(other)) nodes.push(other);
    bits = Math.floor(bits / 2);
    node = flat.between(node, other);
  }
  return planned(depth);
}

/**
 * The full roots of the longest length held here that has `root` among them. A sparse holder has nodes from
 * proofs of several lengths; a node gets into its tree only with all siblings above it up to signed roots,
 * so the longest length whose roots are all here is one whose signature is here too.
 */
function rootsWith(root: number, depth: number, holds: (node: number) => boolean): number[] | undefined {
  // What is to the left of `root`. Where that is not all here, its own left sibling included, the tree has a hole.
  const roots = flat.fullRoots(flat.leftSpan(root, depth) / 2);
  if (!roots.every((node) => holds(node))) return undefined;
  roots.push(root);
  let next = flat.rightSpan(root, depth) + 2;
  for (let blocks = 2 ** depth / 2; blocks >= 1; blocks /= 2) {
    if (!holds(next + blocks - 1)) continue;
    roots.push(next + blocks - 1);
    next += 2 * blocks;
  }
  return roots;
}
