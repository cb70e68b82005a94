/** Recently read or written tree nodes, so that the upper ones, which every proof needs, cost no read. */
import type { TreeNode } from '../merkle/hash.ts';

/**
 * At most `capacity` nodes, in two generations: when the young one is full it becomes the old one, whose nodes are
 * forgotten. A node that is used comes back into the young one. Taking the oldest out one by one costs more.
 */
export class NodeCache {
  #young = new Map<number, TreeNode>();
  #old = new Map<number, TreeNode>();
  readonly #half: number;

  constructor(capacity: number) {
    this.#half = Math.ceil(capacity / 2);
  }

  get(index: number): TreeNode | undefined {
    const young = this.#young.get(index);
    if (young !== undefined) return young;
    const old = this.#old.get(index);
    if (old !== undefined) this.set(old);
    return old;
  }

  /** Keeps a node. Its hash is to have bytes of its own, or it would keep alive what they are a part of. */
  set(node: TreeNode): void {
    if (this.#young.size >= this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(node.index, node);
  }
}
