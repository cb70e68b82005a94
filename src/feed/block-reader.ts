/** Reads blocks: where each is follows from the tree, and those side by side are read as one. */
import { all, type MaybePromise } from '../stream/stage.ts';
import type { SleepFiles } from './files/sleep-files.ts';
import type { TreeNode } from './merkle/hash.ts';
import { damaged, Following, type Tree } from './tree.ts';

/**
 * Bytes of the largest block that fits the wire's frame of 8 MiB beside a signature, as block 0 of a feed of
 * one block. Nodes of a larger tree take some of it.
 */
export const MAX_BLOCK_BYTES = 8_388_534;
/** Bytes of small blocks that are read as one. */
const JOIN_BYTES = 65_536;

export class BlockReader {
  readonly #files: SleepFiles;
  readonly #tree: Tree;
  readonly #following = new Following();

  constructor(files: SleepFiles, tree: Tree) {
    this.#files = files;
    this.#tree = tree;
  }

  /**
   * A block's bytes; `undefined` where it is not here.
   *
   * @throws StorageError `damaged` where it can never have been written
   */
  async read(block: number): Promise<Uint8Array | undefined> {
    if (!this.#files.bitfield.has(block)) return undefined;
    const leaf = await this.#tree.node(2 * block);
    const values = await this.#read([leaf], (offset, size) => this.#files.readData(offset, size));
    return values[0];
  }

  /**
   * The bytes of the blocks whose nodes are given, only to be looked at; `undefined` for those that are not here any
   * more. Waits only for a storage that takes its time.
   *
   * @throws StorageError `damaged` where a block can never have been written
   */
  view(leaves: readonly TreeNode[]): Promise<(Uint8Array | undefined)[]> {
    return this.#read(leaves, (offset, size) => this.#files.viewData(offset, size));
  }

  async #read(
    leaves: readonly TreeNode[],
    read: (offset: number, size: number) => MaybePromise<Uint8Array>,
  ): Promise<(Uint8Array | undefined)[]> {
    const { bitfield } = this.#files;
    const runs: Run[] = [];
    for (const { index, size } of leaves) {
      const block = index / 2;
      const at = this.#tree.offsetOf(block, size, this.#following);
      const offset = typeof at === 'number' ? at : await at;
      if (size > MAX_BLOCK_BYTES || !Number.isSafeInteger(offset + size))
        await this.#assertPlace(offset, size);
      join(runs, offset, size);
    }
    // All at once, since a storage over a port sends along what is asked for at the same time.
    const reading = all(runs, ({ offset, size }) => read(offset, size));
    const bytes = reading instanceof Promise ? await reading : reading;
    const values: (Uint8Array | undefined)[] = [];
    runs.forEach(({ ends }, i) => {
      let from = 0;
      for (const end of ends) {
        // Cleared meanwhile, and its space may be zeros.
        const isHere = bitfield.has(leaves[values.length]!.index / 2);
        values.push(isHere ? bytes[i]!.subarray(from, end) : undefined);
        from = end;
      }
    });
    return values;
  }

  /** @throws StorageError `damaged` where no such block was ever written: a folder can come from anywhere. */
  async #assertPlace(offset: number, size: number): Promise<void> {
    const end = offset + size;
    if (Number.isSafeInteger(end) && end <= (await this.#files.dataSize())) return;
    throw damaged(`the tree tells of a block of ${size} bytes where there are not so many`);
  }
}

/** Blocks side by side. */
interface Run {
  readonly offset: number;
  size: number;
  /** Where each block ends, from the run's start. */
  readonly ends: number[];
}

/** Adds a block to the last run, where it comes right behind that, or begins a new one. */
function join(runs: Run[], offset: number, size: number): void {
  const last = runs.at(-1);
  if (last !== undefined && last.offset + last.size === offset && last.size + size <= JOIN_BYTES) {
    last.size += size;
    last.ends.push(last.size);
  } else {
    runs.push({ offset, size, ends: [size] });
  }
}
