/** Tree nodes lately read or written, so that the upper ones, which every proof asks for, cost no read. */
import type { TreeNode } from '../merkle/hash.ts';

/**
 * At most `capacity` nodes; the one that came first goes first. Moving a node up with every use costs more
 * than reading the hot ones again once in a while.
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
