/** A whole feed from memory to memory, in one process: every block is proven, stored and confirmed. */
import { hypercore7, hypercore10, ours } from '../sides/feeds.mjs';

const row = ({ blocks, byteLength, floors, ...rest }) => ({
  ...rest,
  ours: ours(blocks, byteLength),
  peers: {
    'hypercore 7': { set: 'as-installed', start: hypercore7(blocks, byteLength) },
    'hypercore 10': { set: 'native', start: hypercore10(blocks, byteLength) },
  },
  floors,
});

export const rows = [
  row({
    work: 'replicate 1,000 × 64 KiB',
    unit: 'MB/s',
    worth: 65.536,
    blocks: 1000,
    byteLength: 65536,
    floors: { 'hypercore 7': 8, 'hypercore 10': 2 },
  }),
  row({
    work: 'replicate 20,000 × 1 KiB',
    unit: 'blocks/s',
    worth: 20_000,
    blocks: 20_000,
    byteLength: 1024,
    floors: { 'hypercore 7': 5, 'hypercore 10': 5 },
  }),
];
