/**
 * hypercore-protocol 6 as both sides, as hypercore 7 uses it: with peer objects in place of event emitters, and
 * without backpressure. The length of the bursts is the fastest of those tried.
 */
import { counter, turn } from './turns.mjs';

const BURST = 64;
const noop = () => {};

const key = () => Buffer.alloc(32, 1);

/** Two streams that are joined: by `sockets()` where it is given, or else to each other. */
export async function streams(load, sockets) {
  const protocol = load('hypercore-protocol');
  growMemory(load);
  const [from, to] = [protocol(), protocol()];
  if (sockets === undefined) from.pipe(to).pipe(from);
  else {
    const [near, far] = await sockets();
    near.pipe(from).pipe(near);
    far.pipe(to).pipe(far);
  }
  return [from, to];
}

/** Opens a feed; `onmessage` is called for each message. */
export const open = (stream, onmessage = noop, feedKey = key()) =>
  stream.feed(feedKey, { peer: { ontick: noop, onclose: noop, onhave: onmessage, ondata: onmessage } });

/** Sends what `message(i)` makes, as `kind`: the name of a method. */
export const send = (kind, message, { sockets } = {}) =>
  async function start({ load }) {
    const [from, to] = await streams(load, sockets);
    const { received, take } = counter();
    const shaken = new Promise((resolve) => from.once('handshake', resolve));
    open(to, () => take(1));
    const feed = open(from);
    await shaken;
    return {
      async run(count) {
        const all = received(count);
        for (let i = 0; i < count; i++) {
          feed[kind](message(i));
          if (i % BURST === BURST - 1) await turn();
        }
        await all;
      },
      close: () => from.destroy(),
    };
  };

let isGrown = false;

/** The cipher in WASM keeps views of a memory that moves when it grows, and throws where it did. */
export function growMemory(load) {
  if (load.set !== 'as-installed' || isGrown) return;
  isGrown = true;
  const xsalsa20 = load('xsalsa20');
  const large = new Uint8Array(16_000_000);
  xsalsa20(new Uint8Array(24), new Uint8Array(32)).update(large, large);
}
