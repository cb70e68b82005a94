/** The same between two ends of a TCP connection, both in one process. */
import * as ours from '../sides/ours.mjs';
import * as reference from '../sides/reference.mjs';
import { pair, sockets } from '../sides/tcp.mjs';
import { data } from './messages.mjs';

const start = reference.send('data', data(65536, 0), { sockets });

export const rows = [
  {
    work: 'Data 64 KiB over TCP',
    unit: 'MB/s',
    count: 32,
    worth: 0.065536,
    ours: ours.send(data(65536, 0), { pair }),
    peers: { reference: { set: 'as-installed', start }, 'reference, native': { set: 'native', start } },
  },
];
