/**
 * A room of many members around one relay, all in one process: `npm run build && node bench/room.mjs [members]`.
 *
 * Says how often a message crosses each connection, and what it costs each member. Time stands still for the rooms,
 * so that nobody says anything by itself meanwhile; who is present says so once, and every member verifies that.
 */

import { connect, memoryPair } from 'hypercore-wire';
import { libsodium } from 'hypercore-wire/crypto';
import { Room } from 'hypercore-wire/extension';

const count = Number(process.argv[2] ?? 1000);
const events = 20;
const crypto = await libsodium();
const { publicKey: key } = crypto.keyPair();
const clock = { now: () => 0, after: () => () => {} };
const start = Date.now();
const now = () => start;
// Time stands still, so what may come at once is all that may come.
const rate = { perSecond: 1, burst: 1_000_000 };
const limits = { linkRate: rate, unknownRate: rate, senderRate: rate };
const open = () => Room.open({ key, crypto, clock, now, limits });
const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const seconds = (from) => (performance.now() - from) / 1000;
const line = (what, value) => console.log(`${what.padEnd(52)} ${value}`);

function cost(fn, times = 2000) {
  const from = performance.now();
  for (let i = 0; i < times; i++) fn();
  return ((performance.now() - from) / times) * 1000;
}
const message = new Uint8Array(300);
const pair = crypto.keyPair();
const signature = crypto.sign(message, pair.secretKey);
const checkUs = cost(() => crypto.verify(signature, message, pair.publicKey));
line(
  'a signature takes to check, to make',
  `${checkUs.toFixed(0)} us, ${cost(() => crypto.sign(message, pair.secretKey)).toFixed(0)} us`,
);

const hub = await open();
const members = [];
let from = performance.now();
for (let i = 0; i < count; i++) {
  const room = await open();
  room.set({ name: `member ${i}` });
  const [left, right] = memoryPair();
  await Promise.all([
    connect(left, { key, crypto, clock, live: true, extensions: [room] }),
    connect(right, { key, crypto, clock, live: true, extensions: [hub] }),
  ]);
  await settled();
  members.push(room);
}
const joined = seconds(from);
const sum = (pick) => members.reduce((total, room) => total + pick(room), 0);
const checks = sum(({ stats }) => stats.verifications);
line(
  `${count} members met`,
  `${joined.toFixed(1)} s in all, ${((joined / count / count) * 1e6).toFixed(0)} us a member and member`,
);
line(
  'each knows of',
  `${Math.min(...members.map(({ members }) => members.size))} to ${Math.max(...members.map(({ members }) => members.size))} others`,
);
line('signatures checked by each', `${(checks / count).toFixed(1)} (the relay: ${hub.stats.verifications})`);

const before = members.map(({ stats }) => stats);
const hubBefore = hub.stats;
from = performance.now();
for (let i = 0; i < events; i++) {
  members[Math.floor((i * count) / events)].send(`event ${i}`);
  await settled();
}
const took = seconds(from);
const after = members.map(({ stats }) => stats);
const received = after.map((stats, i) => stats.received - before[i].received);
const sent = after.map((stats, i) => stats.sent - before[i].sent);
const crossings = received.map((n, i) => n + sent[i]);
line(
  `${events} events: crossings of each connection`,
  `${Math.min(...crossings)} to ${Math.max(...crossings)}`,
);
line(
  'signatures checked by each, for one event',
  ((sum(({ stats }) => stats.verifications) - checks) / count / events).toFixed(3),
);
line('by the relay', ((hub.stats.verifications - hubBefore.verifications) / events).toFixed(3));
line('passed on by the relay, for one event', (hub.stats.forwarded - hubBefore.forwarded) / events);
line('not sent, because a connection was backed up', hub.stats.congested);
line(
  'an event takes',
  `${((took / events) * 1000).toFixed(1)} ms in all, ${((took / events / count) * 1e6).toFixed(0)} us a member`,
);
line('memory', `${(process.memoryUsage().rss / 1e6 / count).toFixed(2)} MB a member`);
process.exit(crossings.every((n) => n === events) && hub.stats.congested === 0 ? 0 : 1);
