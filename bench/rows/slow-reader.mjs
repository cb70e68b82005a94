/** Much more than fits in memory, through a session to a reader that is slower than its writer. */
import { memoryPair } from 'hypercore-wire';
import { opened, sendAll } from '../sides/ours.mjs';
import { pair as tcpPair } from '../sides/tcp.mjs';
import { counter } from '../sides/turns.mjs';
import { data } from './messages.mjs';

const MESSAGE = 65536;
/** The reader's pause between two batches, which are as large as what came meanwhile. */
const PAUSE_MS = 1;

/** Megabytes (2^20) that the process grows by at most, over what it took once the session was open. */
const peak =
  (pair) =>
  ({ isQuick }) => ({
    async measure() {
      const count = (isQuick ? 2 ** 24 : 2 ** 30) / MESSAGE;
      const { from, to, close } = await opened(pair);
      const { received, take } = counter();
      const message = data(MESSAGE, 0);
      globalThis.gc();
      const base = process.memoryUsage.rss();
      let most = base;
      to.receive(async (batch) => {
        most = Math.max(most, process.memoryUsage.rss());
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        take(batch.length);
      });
      const all = received(count);
      await sendAll(from, message, count);
      await all;
      close();
      return (most - base) / 2 ** 20;
    },
  });

const row = (work, pair) => ({
  work,
  unit: 'MiB above the base',
  isFresh: true,
  ours: peak(pair),
  limit: 64,
  runs: 3,
});

export const rows = [
  row('1 GiB to a slow reader', memoryPair),
  row('1 GiB to a slow reader over TCP', tcpPair),
];
