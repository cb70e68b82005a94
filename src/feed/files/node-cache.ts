/** Recently read or written tree nodes, so that the upper ones, which every proof needs, cost no read. */
import type { TreeNode } from '../merkle/hash.ts';

/**
 * At most `capacity` nodes; the oldest goes first. Moving a node up on every use would cost more than
 * occasionally reading a hot one again.
 */
export class NodeCache {
  readonly #nodes = new Map<number, TreeNode>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(index: number): TreeNode | undefined {
    return this.#nodes.get(index);
  }

  /** Keeps a node. Its hash is to have bytes of its own, or it would keep alive what they are a part of. */
  set(node: TreeNode): void {
    this.#nodes.set(node.index, node);
    if (this.#nodes.size <= this.#capacity) return;
    for (const oldest of this.#nodes.keys()) {
      this.#nodes.delete(oldest);
      return;
    }
  }
}
