/**
 * The index part of the bitfield file: for every subtree of blocks whether none, some or all are held, so
 * that hypercore finds the next missing block without reading all bits. It can always be rebuilt.
 *
 * One index byte holds four summaries of two bits each: `00` none, `01` some, `11` all. The bytes form a
 * flat in-order tree over the whole file. Leaf byte 2k summarises the four bitfield bytes from 4k (eight
 * blocks each); a parent's four summaries each join two of its children's eight. The 256 leaves of one
 * page make 511 bytes; the 512th is an ancestor that spans pages. See section "bitfield" of DEP-0002 and
 * hypercore's `lib/bitfield.js`.
 */

/** Index bytes that 8192 blocks have in the tree: 256 leaves and their parents, and one byte across. */
const BYTES_PER_PAGE = 512;
/** Where in them the root of the page's own 256 leaves is. */
const ROOT = 255;
/** The tree's height for block numbers up to 2^53. */
const HEIGHT = 42;

/** Two neighbouring summaries joined, twice: the four of a byte make two, in its low four bits. */
const JOINED: Uint8Array = /* @__PURE__ */ Uint8Array.from(
  { length: 256 },
  (_, byte) => (join(byte >> 4) << 2) | join(byte & 15),
);

function join(pair: number): number {
  return pair === 15 ? 3 : pair === 0 ? 0 : 1;
}

/** The summary of `held` blocks out of `all`. */
export function summary(held: number, all: number): number {
  return held === 0 ? 0 : held === all ? 3 : 1;
}

function parent(left: number, right: number): number {
  return (JOINED[left]! << 4) | JOINED[right]!;
}

/** The 511 index bytes of one page's own tree (and a zero), from its 1024 bytes of block bits. */
function pageTree(blocks: Uint8Array): Uint8Array {
  const tree = new Uint8Array(BYTES_PER_PAGE);
  for (let leaf = 0; leaf < 256; leaf++) {
    let byte = 0;
    for (let at = 4 * leaf; at < 4 * leaf + 4; at++) byte = (byte << 2) | summary(blocks[at]!, 0xff);
    tree[2 * leaf] = byte;
  }
  for (let half = 1; half < 256; half *= 2) {
    for (let at = 2 * half - 1; at < 511; at += 4 * half)
      tree[at] = parent(tree[at - half]!, tree[at + half]!);
  }
  return tree;
}

/** The summaries across pages, kept up to date; those inside a page are made when it is written. */
export class BitfieldIndex {
  /**
   * Non-zero bytes of the tree above the pages, by their flat number in it: page p is leaf 2p. In the file
   * number n is byte `256 n + 255` of the index.
   */
  readonly #above = new Map<number, number>();

  /**
   * Takes the summaries of a page's four quarters, and calls `changed` with each index byte across pages
   * whose value changed.
   */
  set(page: number, quarters: number, changed: (indexByte: number) => void): void {
    let byte = quarters;
    let number = 2 * page;
    // Half of the distance between neighbours at this height.
    let step = 1;
    for (let height = 0; height < HEIGHT; height++) {
      if ((this.#above.get(number) ?? 0) === byte) return;
      if (byte === 0) this.#above.delete(number);
      else this.#above.set(number, byte);
      if (height > 0) changed(fileByte(number));
      const isRight = ((number + 1 - step) / (2 * step)) % 2 === 1;
      const sibling = this.#above.get(isRight ? number - 2 * step : number + 2 * step) ?? 0;
      byte = isRight ? parent(sibling, byte) : parent(byte, sibling);
      number += isRight ? -step : step;
      step *= 2;
    }
  }

  /** The first ancestors of page 0 whose index byte is in `from` to before `to`: what a grown file gains. */
  spine(from: number, to: number): number[] {
    const bytes: number[] = [];
    for (let number = 1; fileByte(number) < to; number = 2 * number + 1) {
      if (fileByte(number) >= from && this.#above.has(number)) bytes.push(fileByte(number));
    }
    return bytes;
  }

  /** The `length` index bytes from byte `start`, given how to get at a page's block bits. */
  bytes(start: number, length: number, blocksOf: (page: number) => Uint8Array | undefined): Uint8Array {
    const page = Math.floor(start / BYTES_PER_PAGE);
    const blocks = blocksOf(page);
    const tree = blocks === undefined ? new Uint8Array(BYTES_PER_PAGE) : pageTree(blocks);
    tree[BYTES_PER_PAGE - 1] = this.#above.get(2 * page + 1) ?? 0;
    const from = start - page * BYTES_PER_PAGE;
    return tree.subarray(from, from + length);
  }
}

function fileByte(number: number): number {
  return (ROOT + 1) * number + ROOT;
}
