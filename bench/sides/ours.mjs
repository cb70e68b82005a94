/** Our own two sessions in one process: one sends, the other counts. */
import { connect, memoryPair } from 'hypercore-wire';
import { counter } from './turns.mjs';

export const key = new Uint8Array(32).fill(1);

/** Two sessions over what `pair()` gives, and their channels, open on both sides. */
export async function opened(pair, options = {}) {
  const sessions = await Promise.all(
    (await pair()).map((transport) => connect(transport, { key, live: true, ...options })),
  );
  const [from, to] = sessions.map((session) => session.open(key));
  await Promise.all([from.opened, to.opened]);
  return { from, to, close: () => sessions[0].abort() };
}

/** Sends `count` of what `message(i)` makes, as fast as there is room. */
export async function sendAll(from, message, count) {
  for (let i = 0; i < count; i++) {
    from.send(message(i));
    const full = from.writable();
    if (full !== undefined) await full;
  }
}

/** Sends what `message(i)` makes, over what `pair()` gives, with `options` for both sessions. */
export const send = (message, { pair = memoryPair, options = {} } = {}) =>
  async function start() {
    const { from, to, close } = await opened(pair, options);
    const { received, take } = counter();
    to.receive((batch) => take(batch.length));
    return {
      async run(count) {
        const all = received(count);
        await sendAll(from, message, count);
        await all;
      },
      close,
    };
  };
