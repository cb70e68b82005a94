/** Salsa20 as its specification writes it, one block at a time and as slow as it comes. */
const rotl = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

function quarterRound(x: Uint32Array, a: number, b: number, c: number, d: number): void {
  x[b]! ^= rotl((x[a]! + x[d]!) | 0, 7);
  x[c]! ^= rotl((x[b]! + x[a]!) | 0, 9);
  x[d]! ^= rotl((x[c]! + x[b]!) | 0, 13);
  x[a]! ^= rotl((x[d]! + x[c]!) | 0, 18);
}

/** The 64 bytes of keystream that the input block (64 bytes) makes with this counter. */
export function salsa20Block(input: Uint8Array, counter: bigint): Uint8Array {
  const block = input.slice();
  new DataView(block.buffer).setBigUint64(32, counter, true);
  const view = new DataView(block.buffer);
  const words = Uint32Array.from({ length: 16 }, (_, i) => view.getUint32(4 * i, true));
  const x = words.slice();
  for (let round = 0; round < 10; round++) {
    for (const i of [0, 5, 10, 15]) quarterRound(x, i, (i + 4) % 16, (i + 8) % 16, (i + 12) % 16);
    for (const i of [0, 5, 10, 15]) {
      const row = i & 12;
      quarterRound(x, i, row + ((i + 1) % 4), row + ((i + 2) % 4), row + ((i + 3) % 4));
    }
  }
  x.forEach((word, i) => {
    view.setUint32(4 * i, word + words[i]!, true);
  });
  return block;
}
