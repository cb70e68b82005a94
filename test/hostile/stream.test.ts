/**
 * Hostile and edge input below the feeds: one attacker for every way that is known to hurt a Hypercore 6 peer.
 * Each is told what comes of it, and none makes us keep more than a little.
 */
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../../src/limits.ts';
import type { ConnectOptions } from '../../src/session/options.ts';
import { connect } from '../../src/session/session.ts';
import { memoryPair } from '../../src/transport/memory.ts';
import { writeVarint } from '../../src/wire/varint.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import {
  begin,
  collect,
  crypto,
  data,
  feed,
  have,
  join,
  KEY,
  keys,
  NAME,
  names,
  OTHER_NAME,
  outcome,
  say,
  scripted,
  take,
} from '../session/peers.ts';
import { ScriptedTransport, withNonces } from '../session/scripted.ts';
import { unhex } from '../vectors/index.ts';
import { growth } from './growth.ts';

/** What a session may hold after an attack, beside what the limits allow it to hold on purpose. */
const LITTLE = 4_194_304;

interface Came {
  /** The code of its end, or 'up'. */
  readonly end: string;
  readonly dropped: number;
  readonly received: readonly string[];
}

/** As a socket would hand it over. */
function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength; at += 65_536) pieces.push(bytes.subarray(at, at + 65_536));
  return pieces;
}

/** Sends chunks to a session that is open, and tells what came of it. */
async function attack(chunks: Iterable<Uint8Array>, options: Partial<ConnectOptions> = {}): Promise<Came> {
  const { session, transport, dropped } = await scripted({ extensions: ['a'], ...options }, ['a', 'b']);
  const received: string[] = [];
  session.open(KEY).receive((batch) => void received.push(...batch.map(({ type }) => type)));
  for (const chunk of chunks) {
    transport.arrive(chunk);
    if (transport.aborts.length === 0) await settle();
  }
  const reason = (await outcome(session.closed)) as { error: { code: string } } | 'pending';
  const end = reason === 'pending' ? 'up' : reason.error.code;
  session.abort();
  return { end, dropped: dropped.length, received };
}

/** The code with which connecting ends, or 'up'. */
async function opening(chunks: Uint8Array[], options: Partial<ConnectOptions> = {}): Promise<string> {
  const { transport, connecting, clock } = begin(options);
  for (const chunk of chunks) {
    transport.arrive(chunk);
    await settle();
  }
  const came = await outcome(
    connecting.then(
      () => 'up',
      (error) => error.code,
    ),
  );
  transport.abort();
  await settle();
  expect(clock.pending).toBe(0);
  return came as string;
}

const NONCE = new Uint8Array(24).fill(5);
const body = (...bytes: number[]): Uint8Array => Uint8Array.of(bytes.length, ...bytes);
const have7 = say(0, have(7));
const up = (dropped: number, ...received: string[]): Came => ({ end: 'up', dropped, received });
const ends = (end: string): Partial<Came> => ({ end });

/** Each with what comes of it, once as it is and once byte by byte. */
const attacks: [string, Uint8Array[], Partial<Came>][] = [
  ['a frame of 8 MiB and one byte', [unhex('81808004')], ends('frame-too-large')],
  ['a length of five bytes', [unhex('8080808000')], ends('frame-too-large')],
  ['a frame of 8 MiB that is announced and never comes', [unhex('80808004'), body()], up(0)],
  ['zeros', [new Uint8Array(1000), have7], up(0, 'have')],
  [
    'lengths that are wider than need be',
    [unhex('838000'), unhex('030807'), unhex('80808000'), have7],
    up(0, 'have', 'have'),
  ],
  ['a body of one byte, also on channels that are not open', [body(0x01), body(0x75), have7], up(2, 'have')],
  ['a header that is cut off', [body(0x80, 0x80)], ends('bad-header')],
  ['a header of 2^53', [unhex('0a8080808080808080100801')], ends('bad-header')],
  ['channel 256', [say(256, have(1))], ends('too-many-channels')],
  [
    'a header of 2^31, which is a negative channel to some',
    [say(2 ** 27, { type: 'feed', discoveryKey: OTHER_NAME })],
    ends('too-many-channels'),
  ],
  [
    'a header of 2^32-16',
    [say(2 ** 28 - 1, { type: 'feed', discoveryKey: OTHER_NAME })],
    ends('too-many-channels'),
  ],
  ['a header of 2^32, which is channel 0 to some', [say(2 ** 28, have(1))], ends('too-many-channels')],
  ['a Feed with 31 bytes of discovery key', [feed(1, OTHER_NAME.subarray(1))], ends('bad-message')],
  ['a Feed without one', [unhex('0310 0a00'.replaceAll(' ', ''))], ends('bad-message')],
  [
    'a later Feed with a nonce of 23 bytes',
    [say(1, { type: 'feed', discoveryKey: OTHER_NAME, nonce: NONCE.subarray(1) })],
    ends('bad-message'),
  ],
  ['a message on a channel that it never opened', [say(1, have(1))], ends('unopened-channel')],
  [
    'types that nobody has given a meaning',
    [10, 11, 12, 13, 14].map((type) => body(type, 1)).concat(have7),
    up(5, 'have'),
  ],
  ['bytes that run past the frame', [unhex('0603 0801 1aff7f'.replaceAll(' ', '')), have7], up(1, 'have')],
  ['a varint that runs past the frame', [unhex('030308 80'.replaceAll(' ', '')), have7], up(1, 'have')],
  ['a number of 2^53', [unhex('0a0308808080808080801000'.slice(0, 22)), have7], up(1, 'have')],
  ['a number of 2^64-1', [unhex('0c0308ffffffffffffffffff01'), have7], up(1, 'have')],
  ['a group field', [unhex('0503 0807 2b 2c'.replaceAll(' ', '')), have7], up(1, 'have')],
  ['a message without its required field', [unhex('03031005'), have7], up(1, 'have')],
  ['Data with neither bytes nor nodes', [unhex('03090801'), have7], up(1, 'have')],
  ['a second Handshake', [say(0, { type: 'handshake', id: Uint8Array.of(1) }), have7], up(1, 'have')],
  [
    'extensions that were not declared by both, or by nobody',
    [1, 2, 9, 2 ** 50].map((id) => say(0, { type: 'extension', id, payload: Uint8Array.of(1) })),
    up(4),
  ],
  ['an extension whose number is cut off', [body(0x0f, 0x80), body(0x0f, 0xff, 0xff)], up(2)],
  [
    'an extension without a body',
    [body(0x0f), say(0, { type: 'extension', id: 0, payload: new Uint8Array(0) })],
    up(1, 'extension'),
  ],
  ['a frame that ends with the connection', [have7.subarray(0, 2)], up(0)],
];

describe('what the remote sends', () => {
  it.each(attacks)('%s', async (_, chunks, came) => {
    expect(await attack(chunks)).toMatchObject(came);
    expect(await attack(Array.from(join(...chunks), (byte) => Uint8Array.of(byte)))).toMatchObject(came);
  });

  it('that cannot be read ends the session past the limit', async () => {
    const unreadable = unhex('03031005');
    expect(await attack(Array(64).fill(unreadable))).toMatchObject(up(64));
    expect(await attack(Array(65).fill(unreadable))).toMatchObject(ends('bad-message'));
  });
});

describe('the first frame', () => {
  const first = (fields: object): Uint8Array =>
    say(0, { type: 'feed', discoveryKey: NAME, nonce: NONCE, ...fields });
  const openings: [string, Uint8Array, string][] = [
    ['is no larger than the first frame may be', unhex('ff7f'), 'dialect'],
    ['is not 8 MiB, before any key', unhex('80808004'), 'dialect'],
    ['is not Noise', Uint8Array.of(58, ...new Uint8Array(58).fill(7)), 'dialect'],
    ['is not HTTP', new TextEncoder().encode('GET / HTTP/1.1\r\n'), 'dialect'],
    ['is not TLS', unhex('16030100c8010000c40303'), 'dialect'],
    ['is not a Handshake', say(0, { type: 'handshake', id: NONCE }), 'dialect'],
    ['has a discovery key of 32 bytes', first({ discoveryKey: NAME.subarray(1) }), 'dialect'],
    ['has a nonce of 24 bytes', first({ nonce: new Uint8Array(32) }), 'dialect'],
    ['has a nonce', first({ nonce: undefined }), 'encryption'],
    ['is not our own', first({}), 'echo'],
    ['names our feed', first({ discoveryKey: OTHER_NAME, nonce: new Uint8Array(24) }), 'wrong-feed'],
    [
      'has its header on a channel that there is',
      say(256, { type: 'feed', discoveryKey: NAME, nonce: NONCE }),
      'dialect',
    ],
  ];
  it.each(openings)('%s', async (_, frame, code) => {
    const options = { crypto: withNonces(crypto, NONCE) };
    expect(await opening([frame], options)).toBe(code);
    expect(
      await opening(
        Array.from(frame, (byte) => Uint8Array.of(byte)),
        options,
      ),
    ).toBe(code);
  });

  it('does not make us keep what it announces', async () => {
    const { bytes, result } = await growth(async () => {
      const held = [];
      for (let i = 0; i < 200; i++) {
        const connection = begin();
        connection.transport.arrive(unhex('ff07'), new Uint8Array(3).fill(0));
        await settle();
        held.push(connection);
      }
      return held;
    });
    expect(bytes).toBeLessThan(LITTLE);
    for (const { transport } of result) transport.abort();
  });

  it('that never comes ends in time, whatever is sent instead', async () => {
    for (const sent of [[], [new Uint8Array(100)]] as Uint8Array[][]) {
      const { transport, clock, connecting } = begin();
      const code = connecting.catch((error) => error.code);
      for (let ms = 0; ms < 7500; ms += 500) {
        transport.arrive(...sent);
        await clock.advance(500);
      }
      expect(await outcome(code)).toBe('timeout');
      expect(clock.pending).toBe(0);
    }
  });

  it('has a nonce that was never there before', async () => {
    const nonces = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const { transport } = begin();
      await settle();
      nonces.add(Buffer.from(transport.written[0]!.subarray(-24)).toString('hex'));
      transport.abort();
    }
    expect(nonces.size).toBe(100);
  });
});

describe('an echo', () => {
  it('of all that we send is found out, encrypted or not', async () => {
    for (const encrypted of [true, false]) {
      const [here, there] = memoryPair();
      const connecting = connect(here, { key: KEY, crypto, encrypted, clock: new FakeClock() });
      void there.sink(there.source).catch(() => {});
      await expect(connecting).rejects.toMatchObject({ code: 'echo' });
    }
  });
});

describe('a Feed', () => {
  it('again on a channel that is open here closes that and opens it anew', async () => {
    const { session, transport } = await scripted();
    const before = session.open(KEY);
    collect(before);
    transport.arrive(feed(0, NAME), say(0, have(3)));
    await before.closed;
    const after = session.open(KEY);
    const received = collect(after);
    await after.opened;
    await settle();
    expect(await outcome(session.closed)).toBe('pending');
    transport.arrive(say(0, have(4)));
    await settle();
    expect(received).toMatchObject([{ start: 3 }, { start: 4 }]);
  });

  it('again on a channel that is not open here replaces the one that waits', async () => {
    const { session, transport } = await scripted();
    transport.arrive(feed(1, OTHER_NAME), say(1, have(1)), feed(1, names[2]), say(1, have(2)));
    await settle();
    expect(collect(session.open(keys[2]))).toEqual([]);
    await settle();
    expect(await outcome(session.closed)).toBe('pending');
  });

  it('a second time for one feed is passed over, with all that is sent on it', async () => {
    expect(await attack([feed(1, NAME), say(1, have(1)), have7])).toEqual(up(2, 'have'));
  });

  it('right behind what ended the session leaves no timer', async () => {
    const { session, transport, clock } = await scripted({ extensions: ['a'] }, ['a']);
    session.handle('a', () => session.abort(new Error('enough')));
    const last = say(0, { type: 'extension', id: 0, payload: new Uint8Array(1) });
    transport.arrive(join(last, feed(1, OTHER_NAME)), feed(2, new Uint8Array(32)));
    await settle();
    expect(await outcome(session.closed)).toMatchObject({ error: { message: 'enough' } });
    expect(clock.pending).toBe(0);
  });

  it('for feeds that nobody knows: no more of them wait than there are channels, and not for ever', async () => {
    const { bytes, result } = await growth(async () => {
      const peer = await scripted({ limits: { unopenedMs: 10_000 } });
      const name = (i: number) => new Uint8Array(32).fill(i);
      peer.transport.arrive(join(...Array.from({ length: 255 }, (_, i) => feed(i + 1, name(i)))));
      await settle();
      return peer;
    });
    const { session, transport, clock, dropped } = result;
    expect(bytes).toBeLessThan(LITTLE);
    expect(await take(session.incoming, 256)).toHaveLength(256);
    expect(clock.pending).toBe(256);
    for (let i = 0; i < 4; i++) {
      await clock.advance(2500);
      transport.arrive(new Uint8Array(1));
    }
    await settle();
    expect(dropped).toHaveLength(255);
    expect(clock.pending).toBe(1);
    // A number that was used before makes no room for another feed.
    transport.arrive(feed(1, OTHER_NAME));
    expect(await outcome(session.closed)).toMatchObject({ error: { code: 'too-many-channels' } });
    expect(clock.pending).toBe(0);
  });

  it('that is not opened here in time lets go of what waits for it, and can be opened later', async () => {
    const { session, transport, clock, dropped } = await scripted({ limits: { unopenedMs: 5000 } });
    const fill = (): void => transport.arrive(...Array<Uint8Array>(10).fill(say(1, data(0, 100_000))));
    transport.arrive(feed(1, OTHER_NAME));
    fill();
    await clock.advance(4999);
    expect(dropped).toEqual([]);
    await clock.advance(1);
    expect(dropped).toEqual(['a feed that was not opened here within 5 s']);
    fill();
    await settle();
    expect(dropped).toHaveLength(11);
    // The bytes count no more.
    transport.arrive(feed(2, names[2]), ...Array<Uint8Array>(10).fill(say(2, data(0, 100_000))));
    await settle();
    expect(await outcome(session.closed)).toBe('pending');
    const late = session.open(keys[1]);
    await late.opened;
    const received = collect(late);
    transport.arrive(say(1, have(4)));
    await settle();
    expect(received).toMatchObject([{ start: 4 }]);
    session.abort();
    expect(clock.pending).toBe(0);
  });

  it('not opened here: the 18th message, or a megabyte over all of them, ends the session', async () => {
    expect(await attack([feed(1, OTHER_NAME), ...Array(17).fill(say(1, have(1)))])).toEqual(up(0));
    expect(await attack([feed(1, OTHER_NAME), ...Array(18).fill(say(1, have(1)))])).toMatchObject(
      ends('unopened-flood'),
    );
    const large = [1, 2].flatMap((channel) => [
      feed(channel, names[channel]!),
      ...Array(9).fill(say(channel, data(0, 60_000))),
    ]);
    expect(await attack(large)).toMatchObject(ends('unopened-flood'));
  });

  it('not opened here: extensions past the same cap are passed over', async () => {
    const extension = say(1, { type: 'extension', id: 0, payload: Uint8Array.of(1) });
    expect(await attack([feed(1, OTHER_NAME), ...Array(20).fill(extension)])).toEqual(up(3));
  });
});

describe('a Handshake', () => {
  it('with thousands of names keeps a few', async () => {
    const list = Array.from({ length: 1500 }, (_, i) => `name ${i}`);
    const { session, dropped } = await scripted({}, list);
    expect(session.remote.extensions).toEqual(list.slice(0, 256));
    expect(dropped).toEqual(['extension names past the first 256']);
  });

  it('of 8 MiB, be it one name or nothing but empty ones, costs what it is long', async () => {
    const name = [Uint8Array.of(0x22, 0x80, 0xa4, 0xe8, 0x03), new Uint8Array(8_000_000).fill(0x61)];
    // A field of the number 4 and no bytes, over and over.
    const none = [new Uint8Array(8_000_000).map((_, i) => (i % 2 === 0 ? 0x22 : 0))];
    for (const fields of [name, none]) {
      const handshake = join(Uint8Array.of(0x01), ...fields);
      const length = new Uint8Array(4);
      writeVarint(handshake.byteLength, length, 0);
      const { bytes, result } = await growth(async () => {
        const transport = new ScriptedTransport();
        const connecting = connect(transport, { key: KEY, crypto, encrypted: false, clock: new FakeClock() });
        connecting.catch(() => {});
        transport.arrive(feed(0, NAME), length, ...piecesOf(handshake));
        await settle();
        return { transport, connecting };
      });
      // What came last is held until something else comes: its bytes, and its text.
      expect(bytes).toBeLessThan(2 * defaultLimits.frameBytes + LITTLE);
      result.transport.abort();
    }
  });
});

describe('a bit that changes in what is encrypted', () => {
  it('ends in a fault that has a code, or goes unnoticed; never in anything else', async () => {
    const ended = new Set<unknown>();
    for (let bit = 0; bit < 8 * 160; bit += 7) {
      const [here, there] = memoryPair();
      const flipped = {
        ...there,
        sink: (chunks: AsyncIterable<Uint8Array>) =>
          there.sink(
            (async function* () {
              let at = 0;
              for await (const chunk of chunks) {
                const place = (bit >> 3) - at;
                if (place >= 0 && place < chunk.byteLength) chunk[place]! ^= 1 << (bit & 7);
                at += chunk.byteLength;
                yield chunk;
              }
            })(),
          ),
      };
      const clock = new FakeClock();
      const sides = [here, flipped].map((transport) => connect(transport, { key: KEY, crypto, clock }));
      const first = sides[0]!.then(
        async (session) => {
          collect(session.open(KEY));
          await clock.advance(60_000);
          session.abort();
          return session.closed;
        },
        (error) => ({ code: 'failed', error }),
      );
      sides[1]!.then(
        (session) => {
          for (let i = 0; i < 20; i++) session.open(KEY).send(have(i));
        },
        () => {},
      );
      await settle();
      await clock.advance(10_000);
      const reason = (await first) as { code: string; error?: { name: string; code: string } };
      if (reason.code === 'failed') expect(reason.error!.name).toBe('ProtocolError');
      ended.add(reason.error?.code ?? reason.code);
      for (const side of sides) await side.then((session) => session.abort()).catch(() => {});
      expect(clock.pending).toBe(0);
    }
    expect(ended.size).toBeGreaterThan(3);
  });
});
