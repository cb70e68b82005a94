/** Sessions: how many are opened in a second, and what an idle one holds. A session here is one of its two ends. */
import { connect, memoryPair } from 'hypercore-wire';
import { held } from '../sides/held.mjs';
import { key } from '../sides/ours.mjs';
import * as reference from '../sides/reference.mjs';
import { turn } from '../sides/turns.mjs';

/** Opens a pair and resolves with what closes it, once both ends have the other's Handshake and the channel is open. */
async function ours() {
  const sessions = await Promise.all(
    memoryPair().map((transport) => connect(transport, { key, live: true })),
  );
  await Promise.all(sessions.map((session) => session.open(key).opened));
  return () => sessions[0].abort();
}

async function theirs({ load }) {
  const streams = await reference.streams(load);
  const shaken = streams.map((stream) => new Promise((resolve) => stream.once('handshake', resolve)));
  for (const stream of streams) reference.open(stream);
  await Promise.all(shaken);
  return () => {
    for (const stream of streams) stream.destroy();
  };
}

/** Beside those that are opened, one pair is open all the time, as in most programs. */
const opening = (open) => async (context) => {
  const close = await open(context);
  return {
    async run(count) {
      for (let i = 0; i < count; i++) {
        const close = await open(context);
        close();
      }
    },
    close,
  };
};

/** Kilobytes of an end, the mean of so many. */
const idle = (open) => (context) => ({
  async measure() {
    const pairs = context.isQuick ? 200 : 1000;
    // What is loaded and compiled with the first ones is not theirs.
    for (let i = 0; i < 10; i++) (await open(context))();
    const { bytes } = await held(async () => {
      const opened = [];
      for (let i = 0; i < pairs; i++) opened.push(await open(context));
      await turn();
      return opened;
    });
    return bytes / 1000 / (2 * pairs);
  },
});

export const rows = [
  {
    work: 'sessions opened',
    unit: 'sessions/s',
    count: 100,
    worth: 2,
    ours: opening(ours),
    peers: { reference: { set: 'as-installed', start: opening(theirs) } },
    floors: { reference: 2 },
  },
  {
    work: 'an idle session holds',
    unit: 'KB',
    isFresh: true,
    ours: idle(ours),
    limit: 8,
    peers: { reference: { set: 'as-installed', start: idle(theirs) } },
  },
];
