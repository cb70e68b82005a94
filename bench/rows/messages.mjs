/** Messages between two streams of one process: encoded, enciphered, deciphered, decoded. */
import { filled } from '../sides/bytes.mjs';
import * as ours from '../sides/ours.mjs';
import * as protomux from '../sides/protomux.mjs';
import * as reference from '../sides/reference.mjs';

export const have = (i) => ({ type: 'have', start: i, length: 1 });

/** Data of so many bytes, with so many nodes of a proof. */
export function data(byteLength, nodeCount) {
  const value = filled(byteLength, 7);
  const nodes = Array.from({ length: nodeCount }, (_, i) => ({ index: i, hash: filled(32, i), size: 65536 }));
  return (i) => ({ type: 'data', index: i, value, nodes });
}

const row = ({ kind, message, floors, ...rest }) => ({
  ...rest,
  ours: ours.send(message),
  peers: {
    reference: { set: 'as-installed', start: reference.send(kind, message) },
    'reference, native': { set: 'native', start: reference.send(kind, message) },
    protomux: { set: 'native', start: protomux.send(kind, message) },
    'protomux, corked': { set: 'native', start: protomux.send(kind, message, { isCorked: true }) },
  },
  floors,
});

export const rows = [
  row({
    work: 'Have',
    unit: 'messages/s',
    count: 1000,
    kind: 'have',
    message: have,
    floors: { reference: 3, 'reference, native': 2 },
  }),
  row({
    work: 'Data 1 KiB + 4 nodes',
    unit: 'messages/s',
    count: 500,
    kind: 'data',
    message: data(1024, 4),
    floors: { reference: 2, 'reference, native': 1.5 },
  }),
  row({
    work: 'Data 64 KiB',
    unit: 'MB/s',
    count: 32,
    worth: 0.065536,
    kind: 'data',
    message: data(65536, 0),
    floors: { reference: 1.8, 'reference, native': 0.45 },
  }),
];
