/** What grows with the number of sessions in a process, of channels in a session, and with the size of blocks. */
import { connect, memoryPair } from 'hypercore-wire';
import * as feeds from '../sides/feeds.mjs';
import { key } from '../sides/ours.mjs';
import * as reference from '../sides/reference.mjs';
import { counter, turn } from '../sides/turns.mjs';
import { have } from './messages.mjs';

/** Messages that each sender sends before it is the next one's turn. */
const BURST = 16;
const keyOf = (i) => new Uint8Array(32).fill(1 + (i & 255)).fill(i >> 8, 31);

/** Sends in turn with each of `senders`: functions of a message that may resolve once there is room for more. */
const inTurn = (senders, { received, take }) => ({
  take,
  async run(count) {
    const all = received(count);
    for (let i = 0, at = 0; i < count; at++) {
      const sender = senders[at % senders.length];
      for (let n = 0; n < BURST && i < count; n++, i++) {
        const full = sender(have(i));
        if (full !== undefined) await full;
      }
    }
    await all;
  },
});

const sending = (channel) => (message) => {
  channel.send(message);
  return channel.writable();
};

/** Of the reference, which has no backpressure: lets go of the event loop now and then. */
function sendingHave(feed) {
  let sent = 0;
  return (message) => {
    feed.have(message);
    return ++sent % BURST === 0 ? turn() : undefined;
  };
}

/** So many of ours, between each of which `channels` are open; all are counted together. */
const ours = (sessions, channels) =>
  async function start() {
    const count = counter();
    const senders = [];
    for (let i = 0; i < sessions; i++) {
      const ends = await Promise.all(
        memoryPair().map((transport) => connect(transport, { key, live: true })),
      );
      for (let n = 0; n < channels; n++) {
        const [from, to] = ends.map((session) => session.open(n === 0 ? key : keyOf(n)));
        await from.opened;
        to.receive((batch) => count.take(batch.length));
        senders.push(sending(from));
      }
    }
    return inTurn(senders, count);
  };

const theirs = (sessions, channels) =>
  async function start({ load }) {
    const count = counter();
    const senders = [];
    for (let i = 0; i < sessions; i++) {
      const [from, to] = await reference.streams(load);
      for (let n = 0; n < channels; n++) {
        const feedKey = Buffer.from(n === 0 ? key : keyOf(n));
        reference.open(to, () => count.take(1), feedKey);
        senders.push(sendingHave(reference.open(from, undefined, feedKey)));
        if (n === 0) await new Promise((resolve) => from.once('handshake', resolve));
      }
    }
    await turn();
    return inTurn(senders, count);
  };

const thousands = (value) => value.toLocaleString('en-US');

const many = (chart, what, values, args) =>
  values.map((x) => ({
    work: `Have through ${thousands(x)} ${what}${x === 1 ? '' : 's'}`,
    unit: 'messages/s',
    count: 1000,
    runs: 3,
    chart,
    x,
    ours: ours(...args(x)),
    peers: { reference: { set: 'as-installed', start: theirs(...args(x)) } },
  }));

/** No more blocks than the slowest replicates in a second, and no more bytes than it does in one. */
const blocksOf = (byteLength) => Math.min(4000, 2 ** 24 / byteLength);
const size = (bytes) =>
  bytes < 1024 ? `${bytes} B` : bytes < 2 ** 20 ? `${bytes / 1024} KiB` : `${bytes / 2 ** 20} MiB`;

export const charts = {
  sessions: { title: 'Haves through many sessions of one process, all together', x: 'sessions' },
  channels: { title: 'Haves through many channels of one session, all together', x: 'channels' },
  'block-size': {
    title: 'Replication from memory to memory, by the size of the blocks',
    x: 'bytes of a block',
  },
};

export const rows = [
  ...many('sessions', 'session', [1, 10, 100, 1000], (x) => [x, 1]),
  ...many('channels', 'channel', [1, 4, 16, 64, 256], (x) => [1, x]),
  ...[64, 512, 4096, 32_768, 262_144, 1_048_576].map((byteLength) => ({
    work: `replicate blocks of ${size(byteLength)}`,
    unit: 'MB/s',
    worth: (blocksOf(byteLength) * byteLength) / 1e6,
    runs: 3,
    chart: 'block-size',
    x: byteLength,
    ours: feeds.ours(blocksOf(byteLength), byteLength),
    peers: {
      'hypercore 7': { set: 'as-installed', start: feeds.hypercore7(blocksOf(byteLength), byteLength) },
      'hypercore 10': { set: 'native', start: feeds.hypercore10(blocksOf(byteLength), byteLength) },
    },
  })),
];
