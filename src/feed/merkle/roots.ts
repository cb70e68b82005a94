/** The full roots of a feed: the complete trees that cover it, left to right. */
import type { CryptoProvider } from '../../crypto/provider.ts';
import * as flat from './flat-tree.ts';
import { parent, type TreeNode } from './hash.ts';

/** Puts one more block's node behind `roots`, and joins them as far as that goes. Returns all nodes that are new. */
export function grow(crypto: CryptoProvider, roots: TreeNode[], node: TreeNode): TreeNode[] {
  const nodes = [node];
  roots.push(node);
  while (endsWithSiblings(roots)) {
    const [left, right] = roots.splice(-2) as [TreeNode, TreeNode];
    const above = parent(crypto, left, right);
    nodes.push(above);
    roots.push(above);
  }
  return nodes;
}

function endsWithSiblings(roots: readonly TreeNode[]): boolean {
  const right = roots.at(-1)!;
  return !flat.isLeft(right.index) && roots.at(-2)?.index === flat.sibling(right.index);
}
