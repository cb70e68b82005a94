/** protomux over secret-stream, what hypercore 10 speaks, as both sides. Its messages are what ours are, in its encoding. */
import { counter, turn } from './turns.mjs';

const BURST = 64;

/** How a message is written: each field is one of compact-encoding's types. */
const struct = (fields) => ({
  preencode(state, message) {
    for (const [name, type] of fields) type.preencode(state, message[name]);
  },
  encode(state, message) {
    for (const [name, type] of fields) type.encode(state, message[name]);
  },
  decode(state) {
    const message = {};
    for (const [name, type] of fields) message[name] = type.decode(state);
    return message;
  },
});

/** Sends what `message(i)` makes; `isCorked` puts a burst into one frame of the cipher. */
export const send = (kind, message, { isCorked = false } = {}) =>
  async function start({ load }) {
    const SecretStream = load('@hyperswarm/secret-stream');
    const Protomux = load('protomux');
    const c = load('compact-encoding');
    const encoding = {
      have: struct([
        ['start', c.uint],
        ['length', c.uint],
      ]),
      data: struct([
        ['index', c.uint],
        ['value', c.buffer],
      ]),
    }[kind];
    const [from, to] = [new SecretStream(true), new SecretStream(false)];
    from.rawStream.pipe(to.rawStream).pipe(from.rawStream);
    await Promise.all([from.opened, to.opened]);
    const { received, take } = counter();
    const [muxes, channels] = [[], []];
    for (const stream of [from, to]) {
      const mux = new Protomux(stream);
      const channel = mux.createChannel({
        protocol: 'bench',
        messages: [{ encoding, onmessage: () => take(1) }],
      });
      channel.open();
      muxes.push(mux);
      channels.push(channel);
    }
    await channels[0].fullyOpened();
    const [mux] = muxes;
    const sender = channels[0].messages[0];
    return {
      async run(count) {
        const all = received(count);
        for (let i = 0; i < count; i++) {
          if (isCorked && i % BURST === 0) mux.cork();
          sender.send(message(i));
          if (i % BURST < BURST - 1 && i < count - 1) continue;
          if (isCorked) mux.uncork();
          await turn();
        }
        await all;
      },
      close: () => from.destroy(),
    };
  };
