/** Tree nodes lately read or written, so that the upper ones, which every proof asks for, cost no read. */
import type { TreeNode } from './hash.ts';

/** At most `capacity` nodes; the one longest unused goes first. */
export class NodeCache {
  readonly #nodes = new Map<number, TreeNode>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(index: number): TreeNode | undefined {
    const node = this.#nodes.get(index);
    if (node === undefined) return undefined;
    // A Map keeps the order of insertion, so the last used is the last in it.
    this.#nodes.delete(index);
    this.#nodes.set(index, node);
    return node;
  }

  /** Keeps a node. Its hash is to have bytes of its own, or it would keep alive what they are a part of. */
  set(node: TreeNode): void {
    this.#nodes.delete(node.index);
    this.#nodes.set(node.index, node);
    if (this.#nodes.size <= this.#capacity) return;
    for (const oldest of this.#nodes.keys()) {
      this.#nodes.delete(oldest);
      return;
    }
  }
}
