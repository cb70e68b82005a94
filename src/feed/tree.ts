/** The hash tree of a feed: the nodes that are here, on the disk or on their way to it, and where its bytes are by them. */
import { StorageError } from '../errors.ts';
import { all, type MaybePromise } from '../stream/stage.ts';
import type { SleepFiles } from './files/sleep-files.ts';
import * as flat from './merkle/flat-tree.ts';
import type { TreeNode } from './merkle/hash.ts';

/** Where a byte of the feed is. */
export interface Place {
  /** The block; where `offset` is not known, the first of those that may hold the byte. */
  readonly index: number;
  /** In the block. */
  readonly offset: number | undefined;
}

/** The block behind the last one whose offset was looked up, and its offset: most come in order. */
export class Following {
  block = 0;
  offset = 0;
}

export class Tree {
  readonly #files: SleepFiles;
  #roots: readonly TreeNode[] = [];
  #length = 0;
  #byteLength = 0;
  /** Proven nodes on their way to the disk: later proofs may build on them. */
  readonly #arriving = new Map<number, TreeNode>();

  private constructor(files: SleepFiles, roots: readonly TreeNode[]) {
    this.#files = files;
    const last = roots.at(-1);
    if (last !== undefined) this.grow((flat.rightSpan(last.index) + 2) / 2, roots);
  }

  /** Over files that are open. */
  static async load(files: SleepFiles): Promise<Tree> {
    const length = await files.findLength();
    const roots = await Promise.all(flat.fullRoots(length).map((root) => files.readNode(root)));
    return new Tree(files, roots.map(present));
  }

  /** The full roots of {@link length}, left to right. */
  get roots(): readonly TreeNode[] {
    return this.#roots;
  }

  /** In blocks; up to here the feed is signed. */
  get length(): number {
    return this.#length;
  }

  /** In bytes, of all blocks below `length`, here or not. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Takes the full roots of a length that is on the disk; shorter ones say nothing new. */
  grow(length: number, roots: readonly TreeNode[]): void {
    if (length <= this.#length) return;
    this.#roots = roots;
    this.#length = length;
    this.#byteLength = bytesOf(roots);
  }

  /** Whether a node is here, if only on its way to the disk. */
  readonly has = (node: number): boolean => this.#arriving.has(node) || this.#files.bitfield.hasNode(node);

  /** Takes proven nodes that are to be written. */
  arriving(nodes: readonly TreeNode[]): void {
    for (const node of nodes) this.#arriving.set(node.index, node);
  }

  /** They are on the disk. */
  written(nodes: readonly TreeNode[]): void {
    for (const node of nodes) if (this.#arriving.get(node.index) === node) this.#arriving.delete(node.index);
  }

  /** A node that is here: at once where it is on its way to the disk, or was lately read. */
  readonly node = (index: number): MaybePromise<TreeNode> => {
    const node = this.#arriving.get(index) ?? this.#files.readWithPage(index);
    return node instanceof Promise ? node.then(present) : present(node);
  };

  /** Nodes that are here, in the order asked for. */
  nodes(indices: readonly number[]): MaybePromise<TreeNode[]> {
    return all(indices, this.node);
  }

  /** In bytes, from the feed's beginning to the block's, whose size is given. `following` is the caller's to keep. */
  offsetOf(block: number, size: number, following: Following): MaybePromise<number> {
    const found = (offset: number): number => {
      following.block = block + 1;
      following.offset = offset + size;
      return offset;
    };
    if (following.block === block) return found(following.offset);
    const nodes = this.nodes(flat.fullRoots(block));
    return nodes instanceof Promise ? nodes.then((roots) => found(bytesOf(roots))) : found(bytesOf(nodes));
  }

  /** The block that holds byte `bytes` of the feed; `undefined` past the roots that are here. */
  async seek(bytes: number): Promise<Place | undefined> {
    let offset = bytes;
    for (const root of this.#roots) {
      if (offset >= root.size) offset -= root.size;
      else return this.#seekBelow(root.index, offset);
    }
    return undefined;
  }

  async #seekBelow(root: number, offset: number): Promise<Place> {
    let node = root;
    for (let depth = flat.depth(root); depth > 0; depth--) {
      const left = node - 2 ** (depth - 1);
      if (!this.#files.bitfield.hasNode(left))
        return { index: flat.leftSpan(node, depth) / 2, offset: undefined };
      const { size } = await this.node(left);
      if (offset < size) {
        node = left;
      } else {
        node = left + 2 ** depth;
        offset -= size;
      }
    }
    return { index: node / 2, offset };
  }
}

/** In bytes, of all blocks below `roots`. */
export function bytesOf(roots: readonly TreeNode[]): number {
  let bytes = 0;
  for (const { size } of roots) bytes += size;
  return bytes;
}

/** A node whose bit is set. */
export function present(node: TreeNode | undefined): TreeNode {
  if (node !== undefined) return node;
  throw damaged('a hash that the bitfield says is here is not');
}

export function damaged(what: string): StorageError {
  return new StorageError('damaged', `${what}: the folder was damaged. Move it away and sync anew`);
}
