/** Reads tree nodes: from memory where they were lately used, else from the file, with their neighbours. */
import { all, type MaybePromise } from '../../stream/stage.ts';
import type { TreeNode } from '../merkle/hash.ts';
import type { Storage } from '../storage.ts';
import type { Bitfield } from './bitfield.ts';
import { nodeOffset, parseNode } from './commit.ts';
import { NODE_BYTES } from './header.ts';
import { NodeCache } from './node-cache.ts';

/** Nodes kept in memory: 3 MB or so, the upper fourteen levels of a feed. */
const CACHED_NODES = 16_384;
/** Nodes read at once. What a proof needs of 32 blocks and their lower parents is side by side in the file. */
const PAGE_NODES = 64;
/** Pages kept as they were read: 160 KB. */
const CACHED_PAGES = 64;

/** Whether it is worth keeping: a block's own node is needed once as a rule, and its page is here for the next one's. */
const isAbove = (index: number): boolean => index % 2 === 1;

export class TreeFile {
  readonly #storage: Storage;
  readonly #cache = new NodeCache(CACHED_NODES);
  /** Pages as they are read, the oldest first. All are forgotten when anything is written. */
  #pages = new Map<number, MaybePromise<Uint8Array>>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** A node alone, or undefined where `bits` has it not. Hot ones are answered at once. It is not to be changed. */
  read(index: number, bits: Pick<Bitfield, 'hasNode'>): MaybePromise<TreeNode | undefined> {
    if (!bits.hasNode(index)) return undefined;
    return this.#cache.get(index) ?? this.#readAlone(index);
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
    return this.#cache.get(index) ?? this.#readInPage(index);
  }

  /** Takes nodes that were written and are on the disk. */
  written(nodes: readonly TreeNode[]): void {
    if (nodes.length === 0) return;
    // Not cleared: a page that is being read is not to come back into the new ones.
    this.#pages = new Map();
    for (const { index, hash, size } of nodes)
      if (isAbove(index)) this.#cache.set({ index, hash: hash.slice(), size });
  }

  #readAlone(index: number): MaybePromise<TreeNode | undefined> {
    const bytes = this.#storage.file('tree').read(nodeOffset(index), NODE_BYTES);
    return bytes instanceof Promise
      ? bytes.then((read) => this.#parse(index, read, 0))
      : this.#parse(index, bytes, 0);
  }

  #readInPage(index: number): MaybePromise<TreeNode | undefined> {
    const number = Math.floor(index / PAGE_NODES);
    const at = (index - number * PAGE_NODES) * NODE_BYTES;
    const page = this.#page(number);
    return page instanceof Promise
      ? page.then((read) => this.#parse(index, read, at))
      : this.#parse(index, page, at);
  }

  #parse(index: number, bytes: Uint8Array, at: number): TreeNode | undefined {
    const node = parseNode(index, bytes, at);
    if (node !== undefined && isAbove(index)) this.#cache.set(node);
    return node;
  }

  #page(number: number): MaybePromise<Uint8Array> {
    const pages = this.#pages;
    const known = pages.get(number);
    if (known !== undefined) return known;
    const offset = nodeOffset(number * PAGE_NODES);
    const page = this.#storage.file('tree').read(offset, PAGE_NODES * NODE_BYTES);
    for (const oldest of pages.keys()) {
      if (pages.size < CACHED_PAGES) break;
      pages.delete(oldest);
    }
    pages.set(number, page);
    if (page instanceof Promise) {
      page.then(
        (bytes) => pages.get(number) === page && pages.set(number, bytes),
        () => pages.delete(number),
      );
    }
    return page;
  }
}
