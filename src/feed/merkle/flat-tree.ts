/**
 * The hash tree as a row of numbers: block `i` is node `2i`, and every parent stands in the middle between
 * its children (0 1 2 → parent 1; 1 3 5 → parent 3). Which node belongs where is arithmetic alone.
 *
 * Bitwise operators would cut at 32 bits, so all of it is plain arithmetic, exact for every node up to
 * {@link MAX_NODE}. A node's depth is the number of levels below it, 0 for a block; a walk that climbs knows
 * it and passes it along.
 */

/** The largest node number: the tree over 2^52 blocks, whose top node stands at depth {@link MAX_DEPTH}. */
export const MAX_NODE: number = 2 ** 53 - 2;

/** The depth at which a climb ends: the sibling would be a number that is not exact any more. */
export const MAX_DEPTH = 52;

/** 2 to the power of what a depth can be, and one: looked up in a fraction of the time that `**` takes. */
const POWERS: readonly number[] = /* @__PURE__ */ Array.from(
  { length: MAX_DEPTH + 2 },
  (_, power) => 2 ** power,
);

/** How many levels are below `node`. */
export function depth(node: number): number {
  let levels = 0;
  for (let rest = node; rest % 2 === 1; rest = (rest - 1) / 2) levels++;
  return levels;
}

/** Whether `node` is its parent's left child. */
export function isLeft(node: number, levels: number = depth(node)): boolean {
  return Math.floor(node / POWERS[levels + 1]!) % 2 === 0;
}

/** The other child of the same parent. */
export function sibling(node: number, levels: number = depth(node)): number {
  const distance = POWERS[levels + 1]!;
  return isLeft(node, levels) ? node + distance : node - distance;
}

/** The node above. */
export function parent(node: number, levels: number = depth(node)): number {
  const distance = POWERS[levels]!;
  return isLeft(node, levels) ? node + distance : node - distance;
}

/** The node above two siblings, in the middle between them: in less time than {@link parent} takes. */
export function between(node: number, other: number): number {
  return node + (other - node) / 2;
}

/** The first block's node below `node`. */
export function leftSpan(node: number, levels: number = depth(node)): number {
  return node - (POWERS[levels]! - 1);
}

/** The last block's node below `node`. */
export function rightSpan(node: number, levels: number = depth(node)): number {
  return node + (POWERS[levels]! - 1);
}

/**
 * The largest complete trees that together cover the first `length` blocks, left to right (11 → 7, 17, 20).
 *
 * @param length in blocks, at most 2^52
 */
export function fullRoots(length: number): number[] {
  const roots: number[] = [];
  let covered = 0;
  let power = MAX_DEPTH;
  while (power > 0 && POWERS[power]! > length) power--;
  for (let blocks = POWERS[power]!; blocks >= 1; blocks /= 2) {
    if (length - covered < blocks) continue;
    roots.push(2 * covered + blocks - 1);
    covered += blocks;
  }
  return roots;
}
