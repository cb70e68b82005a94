/** Blocks to replicate: of any size, and each told from every other. */

/** `count` blocks of 0 to `largest` bytes, the same for the same arguments. */
export function blocksOf(count: number, largest = 100, seed = 1): Uint8Array[] {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 8;
  };
  return Array.from({ length: count }, () => {
    const block = new Uint8Array(next() % (largest + 1));
    for (let i = 0; i < block.length; i++) block[i] = next();
    return block;
  });
}

/** A line of text as a block. */
export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** Where each block starts, and at last where the feed ends. */
export function offsetsOf(blocks: readonly Uint8Array[]): number[] {
  const offsets = [0];
  for (const { byteLength } of blocks) offsets.push(offsets.at(-1)! + byteLength);
  return offsets;
}
