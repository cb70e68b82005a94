/** Reads tree nodes: from memory where they were lately used, else from the file, with their neighbours. */
import { after, all, type MaybePromise } from '../../stream/stage.ts';
import type { TreeNode } from '../merkle/hash.ts';
import type { Storage } from '../storage.ts';
import type { Bitfield } from './bitfield.ts';
import { nodeOffset, parseNode, putNode } from './commit.ts';
import { NODE_BYTES } from './header.ts';
import { NodeCache } from './node-cache.ts';

/** Nodes kept in memory: 3 MB or so, the upper fourteen levels of a feed. */
const CACHED_NODES = 16_384;
/** Nodes read at once: the subtree of 32 blocks, which has all that their proofs need of it, and one node between two. */
const PAGE_NODES = 64;
/** Pages kept: 160 KB. */
const CACHED_PAGES = 64;

/** Whether it is worth keeping alone: a page's own root, which the proofs in other pages need, and what is above it. */
const isUpper = (index: number): boolean => index % (PAGE_NODES / 2) === PAGE_NODES / 2 - 1;

export class TreeFile {
  readonly #storage: Storage;
  readonly #cache = new NodeCache(CACHED_NODES);
  /** Pages by number, the one that was read first before the others. They are kept as the file has them. */
  readonly #pages = new Map<number, MaybePromise<Uint8Array>>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** A node alone, or undefined where `bits` has it not. Hot ones are answered at once. It is not to be changed. */
  read(index: number, bits: Pick<Bitfield, 'hasNode'>): MaybePromise<TreeNode | undefined> {
    if (!bits.hasNode(index)) return undefined;
    const cached = this.#cached(index);
    if (cached !== undefined) return cached;
    const keep = (bytes: Uint8Array): TreeNode | undefined => this.#parse(index, bytes, 0);
    const bytes = this.#storage.file('tree').read(nodeOffset(index), NODE_BYTES);
    return after(bytes, keep);
  }

  /** Nodes, in the order asked for. Each page that has some is read once, and kept for those that are asked for next. */
  readAll(
    indices: readonly number[],
    bits: Pick<Bitfield, 'hasNode'>,
  ): MaybePromise<(TreeNode | undefined)[]> {
    return all(indices, (index) => this.readWithPage(index, bits));
  }

  /** A node, read together with those beside it. */
  readWithPage(index: number, bits: Pick<Bitfield, 'hasNode'>): MaybePromise<TreeNode | undefined> {
    if (!bits.hasNode(index)) return undefined;
    const cached = this.#cached(index);
    if (cached !== undefined) return cached;
    const number = Math.floor(index / PAGE_NODES);
    const at = (index - number * PAGE_NODES) * NODE_BYTES;
    const page = this.#page(number);
    return page instanceof Promise
      ? page.then((bytes) => this.#parse(index, bytes, at))
      : this.#parse(index, page, at);
  }

  /** Takes nodes that were written and are on the disk. */
  written(nodes: readonly TreeNode[]): void {
    for (const node of nodes) {
      const { index, hash, size } = node;
      if (isUpper(index)) this.#cache.set({ index, hash: hash.slice(), size });
      const number = Math.floor(index / PAGE_NODES);
      const page = this.#pages.get(number);
      // One that is being read may be from before.
      if (page instanceof Promise) this.#pages.delete(number);
      else if (page !== undefined) putNode(page, (index - number * PAGE_NODES) * NODE_BYTES, node);
    }
  }

  #cached(index: number): TreeNode | undefined {
    return isUpper(index) ? this.#cache.get(index) : undefined;
  }

  #parse(index: number, bytes: Uint8Array, at: number): TreeNode | undefined {
    const node = parseNode(index, bytes, at);
    if (node !== undefined && isUpper(index)) this.#cache.set(node);
    return node;
  }

  #page(number: number): MaybePromise<Uint8Array> {
    const pages = this.#pages;
    const known = pages.get(number);
    if (known !== undefined) return known;
    const offset = nodeOffset(number * PAGE_NODES);
    const page = after(this.#storage.file('tree').read(offset, PAGE_NODES * NODE_BYTES), (bytes) => bytes);
    for (const oldest of pages.keys()) {
      if (pages.size < CACHED_PAGES) break;
      pages.delete(oldest);
    }
    pages.set(number, page);
    if (page instanceof Promise) {
      // Unless something was written to it meanwhile.
      const isLast = (): boolean => pages.get(number) === page;
      page.then(
        (bytes) => isLast() && pages.set(number, bytes),
        () => isLast() && pages.delete(number),
      );
    }
    return page;
  }
}
