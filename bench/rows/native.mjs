/** Our own side on native sodium, as a server may have it: `hypercore-wire/crypto/native`. */

import * as feeds from '../sides/feeds.mjs';
import { send } from '../sides/ours.mjs';
import * as protomux from '../sides/protomux.mjs';
import * as reference from '../sides/reference.mjs';
import { data } from './messages.mjs';

const crypto = async () => (await import('hypercore-wire/crypto/native')).native();

const row = (rest) => ({ ...rest, set: 'native', needs: 'hypercore-wire/crypto/native' });

export const rows = [
  row({
    work: 'Data 64 KiB, native provider',
    unit: 'MB/s',
    count: 32,
    worth: 0.065536,
    ours: async (context) => send(data(65536, 0), { options: { crypto: await crypto() } })(context),
    peers: {
      'reference, native': { set: 'native', start: reference.send('data', data(65536, 0)) },
      protomux: { set: 'native', start: protomux.send('data', data(65536, 0)) },
    },
    floors: { 'reference, native': 1.15 },
  }),
  row({
    work: 'replicate 1,000 × 64 KiB, native provider',
    unit: 'MB/s',
    worth: 65.536,
    ours: async (context) => feeds.ours(1000, 65536, { crypto: await crypto() })(context),
    peers: {
      'hypercore 10': { set: 'native', start: feeds.hypercore10(1000, 65536) },
    },
  }),
];
