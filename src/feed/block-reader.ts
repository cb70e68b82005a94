/** Reads blocks: where each is follows from the tree, and those side by side are read as one. */
import { all } from '../stream/stage.ts';
import type { SleepFiles } from './files/sleep-files.ts';
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
   * Blocks' bytes, `undefined` for those that are not here. Waits only for a storage that takes its time.
   *
   * @throws StorageError `damaged` where a block can never have been written
   */
  async read(blocks: readonly number[]): Promise<(Uint8Array | undefined)[]> {
    const { bitfield } = this.#files;
    const here = blocks.filter((block) => bitfield.has(block));
    const found = this.#tree.nodes(here.map((block) => 2 * block));
    const nodes = found instanceof Promise ? await found : found;
    const runs: Run[] = [];
    for (const block of here) {
      const { size } = nodes.get(2 * block)!;
      const at = this.#tree.offsetOf(block, size, this.#following);
      const offset = typeof at === 'number' ? at : await at;
      if (size > MAX_BLOCK_BYTES || !Number.isSafeInteger(offset + size))
        await this.#assertPlace(offset, size);
      join(runs, { block, offset, size });
    }
    // All at once, since a storage over a port sends along what is asked for at the same time.
    const reading = all(runs, ({ offset, size }) => this.#files.readData(offset, size));
    const bytes = reading instanceof Promise ? await reading : reading;
    const values = new Map<number, Uint8Array>();
    runs.forEach((run, i) => {
      for (const { block, offset, size } of run.places)
        values.set(block, bytes[i]!.subarray(offset - run.offset, offset - run.offset + size));
    });
    // Cleared meanwhile, and its space may be zeros.
    return blocks.map((block) => (bitfield.has(block) ? values.get(block) : undefined));
  }

  /** @throws StorageError `damaged` where no such block was ever written: a folder can come from anywhere. */
  async #assertPlace(offset: number, size: number): Promise<void> {
    const end = offset + size;
    if (Number.isSafeInteger(end) && end <= (await this.#files.dataSize())) return;
    throw damaged(`the tree tells of a block of ${size} bytes where there are not so many`);
  }
}

/** Where a block is in the data. */
interface BlockPlace {
  readonly block: number;
  readonly offset: number;
  readonly size: number;
}

/** Blocks side by side. */
interface Run {
  readonly offset: number;
  size: number;
  readonly places: BlockPlace[];
}

/** Adds a block to the last run, where it comes right behind that, or begins a new one. */
function join(runs: Run[], place: BlockPlace): void {
  const last = runs.at(-1);
  if (
    last !== undefined &&
    last.offset + last.size === place.offset &&
    last.size + place.size <= JOIN_BYTES
  ) {
    last.size += place.size;
    last.places.push(place);
  } else {
    runs.push({ offset: place.offset, size: place.size, places: [place] });
  }
}
