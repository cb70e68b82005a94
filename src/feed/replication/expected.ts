/** The nodes of the tree that answers on their way will bring, so that later Requests need not ask for them again. */
import * as flat from '../merkle/flat-tree.ts';

export class Expected {
  readonly #nodes = new Set<number>();
  readonly #here: (node: number) => boolean;

  /** `here`: whether a node is held. */
  constructor(here: (node: number) => boolean) {
    this.#here = here;
  }

  /** Whether an answer on its way brings a node. */
  has(node: number): boolean {
    return this.#nodes.has(node);
  }

  /**
   * Counts on the answer for a block, and says which nodes it is the first to bring: all up to one that is here, or
   * on its way. None where that cannot be told, since the answer may go up to roots that are not known.
   *
   * @param length in blocks: no node that reaches past it is held
   */
  add(block: number, length: number): readonly number[] {
    const brought: number[] = [];
    let node = 2 * block;
    for (let depth = 0; !this.#isNear(node); depth++) {
      const coversAll = flat.leftSpan(node, depth) === 0 && flat.rightSpan(node, depth) >= 2 * (length - 1);
      if (coversAll || depth === flat.MAX_DEPTH) return [];
      const other = flat.sibling(node, depth);
      brought.push(node);
      if (!this.#isNear(other)) brought.push(other);
      node = flat.parent(node, depth);
    }
    for (const each of brought) this.#nodes.add(each);
    return brought;
  }

  /** The answer that was to bring `nodes` is stored, or will not come. */
  delete(nodes: readonly number[]): void {
    for (const node of nodes) this.#nodes.delete(node);
  }

  #isNear(node: number): boolean {
    return this.#nodes.has(node) || this.#here(node);
  }
}
