/**
 * Request.nodes: in one number, which nodes a downloader has on the way up from a block, so that the
 * uploader leaves them out of the proof.
 *
 * For block `i` the way up is x0 = 2i, x1 = parent(x0) and so on. Bit 0: the top bit names a node of that
 * way which is here. Bit k+1: the sibling of xk is here. With bit 0 set the top bit, at position k+1, stands
 * for xk itself. 0 says that nothing is here, 1 that everything is which the proof would need.
 */
import * as flat from './flat-tree.ts';

// A node at depth k takes bit k+1, and 2^53-1 ends at bit 52.
const TOP_DEPTH = 51;

/**
 * What a downloader asks with (hypercore 7 wire: Request.nodes).
 *
 * @param has whether a node is held here
 * @param length in blocks: no node that reaches past it is held. Spares the look-ups above it
 * @returns at most 2^53-1
 */
export function digest(
  block: number,
  has: (node: number) => boolean,
  length: number = Number.POSITIVE_INFINITY,
): number {
  let node = 2 * block;
  if (has(node)) return 1;
  let value = 0;
  let complete = true;
  for (let depth = 0; depth < TOP_DEPTH; depth++) {
    const coversAll = flat.leftSpan(node, depth) === 0 && flat.rightSpan(node, depth) >= 2 * (length - 1);
    if (coversAll) break;
    const other = flat.sibling(node, depth);
    if (has(other)) value += 2 ** (depth + 1);
    else complete = false;
    node = flat.between(node, other);
    if (has(node)) return complete ? 1 : value + 2 ** (depth + 2) + 1;
  }
  return value;
}

/**
 * What an uploader reads out of a request's digest: the nodes that it need not send. A digest of 1 asks for
 * no node at all and names none.
 *
 * @param digest any whole number up to 2^53-1; what the remote claims wrongly only costs itself the proof
 */
export function heldByRemote(block: number, digest: number): Set<number> {
  const held = new Set<number>();
  const namesNode = digest % 2 === 1;
  let node = 2 * block;
  let bits = Math.floor(digest / 2);
  for (let depth = 0; bits > 0; depth++) {
    if (bits === 1 && namesNode) {
      held.add(node);
      // It was proven together with every root on its left.
      for (const root of flat.fullRoots(flat.leftSpan(node, depth) / 2)) held.add(root);
      break;
    }
    if (bits % 2 === 1) held.add(flat.sibling(node, depth));
    node = flat.parent(node, depth);
    bits = Math.floor(bits / 2);
  }
  return held;
}
