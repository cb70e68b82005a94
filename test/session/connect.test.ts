import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/crypto/hex.ts';
import type { ConnectOptions } from '../../src/session/options.ts';
import { connect } from '../../src/session/session.ts';
import { memoryPair } from '../../src/transport/memory.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import { unhex } from '../vectors/index.ts';
import { begin, crypto, join, KEY, NAME, OTHER, OTHER_NAME, outcome, pair, say } from './peers.ts';
import { withNonces } from './scripted.ts';

/** Both outcomes of two sides that meet. */
async function meet(a: ConnectOptions, b: ConnectOptions, clock = new FakeClock()): Promise<unknown[]> {
  const [left, right] = memoryPair();
  const both = [connect(left, { crypto, clock, ...a }), connect(right, { crypto, clock, ...b })];
  const results = both.map(outcome);
  return Promise.all(results);
}

describe('connect', () => {
  it('tells each side who the other is', async () => {
    const userData = Uint8Array.of(1, 2, 3);
    const [a, b] = await pair(
      { live: true, userData, extensions: ['z', 'a', 'z'] },
      { ack: true, id: Uint8Array.of(7), extensions: ['a', 'b'] },
    );
    expect(b.remote).toEqual({ id: a.id, live: true, ack: false, userData, extensions: ['a', 'z'] });
    expect(a.remote).toEqual({
      id: Uint8Array.of(7),
      live: false,
      ack: true,
      userData: undefined,
      extensions: ['a', 'b'],
    });
    expect(a.id.byteLength).toBe(32);
    expect(['a', 'b', 'z'].map((name) => a.remoteSupports(name))).toEqual([true, false, false]);
  });

  it.each([
    ['knows at once', (_: Uint8Array) => KEY],
    ['takes its time', async (_: Uint8Array) => toHex(KEY)],
  ])('answers the feed that is asked for, where keys %s', async (_, lookup) => {
    const asked: string[] = [];
    const [server, client] = await pair({
      key: undefined,
      keys: (name) => {
        asked.push(toHex(name));
        return lookup(name);
      },
    });
    expect(asked).toEqual([toHex(NAME)]);
    const channel = client.open(KEY);
    channel.send({ type: 'have', start: 5 });
    for await (const message of server.open(KEY)) {
      expect(message).toMatchObject({ type: 'have', start: 5 });
      break;
    }
  });

  it('reads the keys of people: hex and links', async () => {
    const [a, b] = await pair({ key: toHex(KEY).toUpperCase() }, { key: `dat://${toHex(KEY)}+5/path` });
    expect(a.open(KEY).key).toEqual(b.open(KEY).key);
  });

  it('says where both sides wait to be told', async () => {
    const clock = new FakeClock();
    const keys = () => KEY;
    const [left, right] = memoryPair();
    const both = [connect(left, { keys, crypto, clock }), connect(right, { keys, crypto, clock })];
    const results = Promise.all(both.map((one) => one.catch((error) => error.code)));
    await clock.advance(7499);
    expect(await outcome(results)).toBe('pending');
    await clock.advance(1);
    expect(await outcome(results)).toContain('no-feed');
    expect(clock.pending).toBe(0);
  });

  it('names both feeds where they are not the same', async () => {
    for (const error of await meet({ key: KEY }, { key: OTHER })) {
      expect(error).toMatchObject({ code: 'wrong-feed' });
      // Both, each as much as tells it apart, and after what to do.
      const said = /check the key.* key ([0-9a-f]+)….* ([0-9a-f]+)…/.exec(String(error))!.slice(1).sort();
      expect(said).toEqual([NAME, OTHER_NAME].map((name) => toHex(name).slice(0, 8)).sort());
    }
  });

  it('refuses a feed that it does not have, and the other side is told', async () => {
    const [server, client] = await meet({ keys: () => undefined }, { key: KEY });
    expect(server).toMatchObject({ code: 'unknown-feed', message: expect.stringContaining(toHex(NAME)) });
    expect(client).toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/does not have this feed/),
    });
  });

  it('hears a refusal in a hang-up', async () => {
    const { transport, connecting } = begin();
    transport.end();
    expect(await outcome(connecting)).toMatchObject({ code: 'refused' });
    expect(transport.aborts).toHaveLength(1);
  });

  it('knows its own bytes when they come back', async () => {
    const { transport, connecting } = begin();
    await settle();
    transport.arrive(...transport.written);
    expect(await outcome(connecting)).toMatchObject({ code: 'echo' });
  });

  it('knows itself at the other end', async () => {
    const id = Uint8Array.of(4, 4, 4);
    const errors = await meet({ key: KEY, id }, { key: KEY, id });
    expect(errors).toContainEqual(expect.objectContaining({ code: 'echo' }));
    const empty = new Uint8Array(0);
    const [a] = await pair({ id: empty }, { id: empty });
    expect(a.remote.id).toEqual(empty);
  });

  it.each([true, false])('says that only one side encrypts: here %s', async (encrypted) => {
    const { transport, connecting } = begin({ encrypted });
    const nonce = encrypted ? undefined : new Uint8Array(24);
    transport.arrive(say(0, { type: 'feed', discoveryKey: NAME, nonce }));
    const error = await outcome(connecting);
    expect(error).toMatchObject({ code: 'encryption' });
    expect(String(error)).toContain(encrypted ? 'this side does' : 'the remote encrypts');
  });

  it('enciphers all but the first Feed, and nothing where it is told not to', async () => {
    const nonce = new Uint8Array(24).fill(5);
    const secret = begin({ crypto: withNonces(crypto, nonce), userData: Uint8Array.of(0xab, 0xcd, 0xef) });
    const clear = begin({ encrypted: false, userData: Uint8Array.of(0xab, 0xcd, 0xef) });
    await settle();
    expect(secret.transport.written[0]).toEqual(say(0, { type: 'feed', discoveryKey: NAME, nonce }));
    expect(toHex(secret.transport.bytes)).not.toContain('abcdef');
    expect(clear.transport.packets.map(({ message }) => message)).toMatchObject([
      { type: 'feed', discoveryKey: NAME, nonce: undefined },
      { type: 'handshake', userData: Uint8Array.of(0xab, 0xcd, 0xef) },
    ]);
  });

  it('lets first feeds differ in clear', async () => {
    const [a, b] = await pair({ encrypted: false }, { encrypted: false, key: OTHER });
    b.open(KEY).send({ type: 'have', start: 1 });
    for await (const message of a.open(KEY)) {
      expect(message).toMatchObject({ start: 1 });
      break;
    }
  });

  it('passes over keepalives before the first Feed, and makes nothing of them', async () => {
    const { transport, clock, connecting } = begin({ encrypted: false });
    for (let second = 0; second < 7; second++) {
      transport.arrive(new Uint8Array(100));
      await clock.advance(1000);
    }
    transport.arrive(
      join(new Uint8Array(3), say(0, { type: 'feed', discoveryKey: NAME }), say(0, { type: 'handshake' })),
    );
    expect(await outcome(connecting)).toMatchObject({ id: expect.any(Uint8Array) });
  });

  it.each([
    ['zeros for ever', []],
    ['zeros for ever, after its Feed', [say(0, { type: 'feed', discoveryKey: NAME })]],
  ])('does not wait for a Handshake behind %s', async (_, first) => {
    const { transport, clock, connecting } = begin({ encrypted: false });
    transport.arrive(...first);
    for (let second = 0; second < 16; second++) {
      transport.arrive(new Uint8Array(1));
      await clock.advance(1000);
    }
    expect(await outcome(connecting)).toMatchObject({ code: 'timeout' });
    expect(clock.pending).toBe(0);
  });

  it.each([
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n'],
    ['Noise', String.fromCharCode(58)],
    ['TLS', '\x16\x03\x01'],
  ])('knows %s from a peer', async (name, opening) => {
    const { transport, connecting } = begin();
    transport.arrive(join(new TextEncoder().encode(opening), new Uint8Array(80).fill(0x33)));
    const error = await outcome(connecting);
    expect(error).toMatchObject({ code: 'dialect' });
    expect(/Noise/.test(String(error))).toBe(name === 'Noise');
    expect(/it speaks HTTP. Try ws:/.test(String(error))).toBe(name === 'HTTP');
  });

  it.each([
    ['a first frame over 1 KiB', '8108'],
    ['a length of five bytes', `bd80808000000a20${toHex(NAME)}1218${'00'.repeat(24)}`],
  ])('refuses %s, whole and byte by byte', async (_, bytes) => {
    for (const chunks of [[unhex(bytes)], Array.from(unhex(bytes), (byte) => Uint8Array.of(byte))]) {
      const { transport, connecting } = begin();
      transport.arrive(...chunks);
      expect(await outcome(connecting)).toMatchObject({ code: 'dialect' });
    }
  });

  it('says that the connection ended inside the first frame', async () => {
    const { transport, connecting } = begin();
    transport.arrive(unhex('3d000a20'));
    transport.end();
    expect(await outcome(connecting)).toMatchObject({ code: 'truncated' });
  });
});

describe('keys', () => {
  const ask = say(0, { type: 'feed', discoveryKey: NAME, nonce: new Uint8Array(24) });
  const begun = (keys: ConnectOptions['keys']) => {
    const started = begin({ key: undefined, keys });
    started.transport.arrive(ask);
    return started;
  };

  it('that fail end the session with their own error', async () => {
    const error = new Error('the index is corrupt');
    for (const keys of [
      () => Promise.reject(error),
      () => {
        throw error;
      },
    ]) {
      const { transport, connecting } = begun(keys);
      expect(await outcome(connecting)).toBe(error);
      expect(transport.aborts).toEqual([error]);
      expect(transport.written).toEqual([]);
    }
  });

  it('that find another feed are refused', async () => {
    const { connecting } = begun(() => OTHER);
    expect(String(await outcome(connecting))).toMatch(/TypeError: "keys" expected the key of the feed/);
  });

  it('that never answer are named at the deadline', async () => {
    const { clock, connecting } = begun(() => new Promise<Uint8Array>(() => {}));
    await clock.advance(20_000);
    expect(String(await outcome(connecting))).toMatch(/"keys" did not answer within 7.5 s/);
    expect(clock.pending).toBe(0);
  });

  it('that answer after the end open nothing', async () => {
    let answer!: (key: Uint8Array) => void;
    let asked = 0;
    const controller = new AbortController();
    const { transport, connecting } = begin({
      key: undefined,
      signal: controller.signal,
      keys: () => {
        asked++;
        return new Promise<Uint8Array>((resolve) => (answer = resolve));
      },
    });
    transport.arrive(ask);
    await settle();
    controller.abort();
    answer(KEY);
    await settle();
    expect(await outcome(connecting)).toBe(controller.signal.reason);
    // Nor is the channel offered to the app any more.
    expect(asked).toBe(1);
    expect(transport.written).toEqual([]);
  });
});
