/** What an inspector does with bytes that nobody should send: it says so, goes on where it can, and holds little. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { discoveryKey, XSalsa20 } from '../../src/crypto/index.ts';
import { noble } from '../../src/crypto/noble.ts';
import { type InspectEvent, Inspector } from '../../src/inspect/index.ts';
import { frame, type Sendable } from '../../src/wire/index.ts';
import { type Chunk, inspect, key, only, recorded, recordedChunks } from './capture.ts';

const nonce = new Uint8Array(24).fill(9);
const feed: Sendable = { type: 'feed', discoveryKey: discoveryKey(noble, key), nonce };
const handshake: Sendable = { type: 'handshake', id: new Uint8Array(32), extensions: ['ephemeral'] };

/** What a side sends that speaks so: the first frame in clear, the rest enciphered. */
function spoken(direction: 'out' | 'in', first: Sendable, ...rest: (Sendable | Uint8Array)[]): Chunk[] {
  const frames = rest.map((one) => (one instanceof Uint8Array ? one.slice() : frame(0, one)));
  const keystream = new XSalsa20(key, nonce);
  for (const one of frames) keystream.xor(one);
  return [frame(0, first), ...frames].map((bytes) => ({ direction, bytes }));
}

const texts = (events: readonly InspectEvent[], kind: 'warning' | 'fault' | 'verdict'): string[] =>
  only(events, kind).map(({ text }) => text);
const types = (events: readonly InspectEvent[]): string[] => only(events, 'message').map(({ type }) => type);

describe('an inspector without the right key', () => {
  it.each([[[]], [[new Uint8Array(32)]]])('shows both first frames, and says which key it takes', (keys) => {
    const events = inspect(recordedChunks, { keys });
    expect(types(events)).toEqual(['feed', 'feed']);
    const asked = only(events, 'message')[0]!.feed;
    expect(texts(events, 'warning')).toEqual([
      expect.stringContaining(asked!),
      expect.stringContaining(asked!),
    ]);
    expect(texts(events, 'verdict')).toEqual([
      expect.stringContaining(asked!),
      expect.stringContaining(asked!),
    ]);
    expect(only(events, 'statistics')[0]!.out.unreadBytes).toBe(recorded.aToB.wire.length / 2 - 62);
    expect(JSON.stringify(events)).not.toContain(recorded.key);
  });
});

describe('an inspector of other things', () => {
  it.each([
    ['HTTP', new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n'), /it speaks HTTP/],
    ['Noise', new Uint8Array(59).fill(58), /Noise handshake of hypercore-protocol 7 or 8/],
    ['noise', new Uint8Array(100).fill(0xff), /does not speak the Hypercore 6 protocol/],
  ])('says that it is not this protocol: %s', (_, bytes, says) => {
    const events = inspect([{ direction: 'in', bytes }]);
    expect(texts(events, 'fault')).toEqual([expect.stringMatching(says)]);
    expect(only(events, 'fault')[0]!.code).toBe('dialect');
    expect(texts(events, 'verdict')[0]).toMatch(/^What the side that answered said cannot be read/);
  });

  it('says who said nothing', () => {
    const out = recordedChunks.filter(({ direction }) => direction === 'out').slice(0, 1);
    expect(texts(inspect(out), 'verdict')).toContain(
      'The side that answered said nothing and hung up: it does not have the feed, or does not answer for it.',
    );
    expect(texts(inspect([]), 'verdict')).toEqual(['Neither side said anything.']);
  });

  it('says that both have to open the same feed, and that one only repeats the other', () => {
    const other: Sendable = { ...feed, discoveryKey: new Uint8Array(32), nonce: new Uint8Array(24) };
    const differ = inspect([...spoken('out', feed, handshake), ...spoken('in', other)]);
    expect(texts(differ, 'verdict').join()).toMatch(/both have to open the same feed first/);
    const echo = inspect([...spoken('out', feed, handshake), ...spoken('in', feed, handshake)]);
    expect(texts(echo, 'verdict').join()).toMatch(/only repeats/);
    const clear: Sendable = { type: 'feed', discoveryKey: discoveryKey(noble, key) };
    const mixed = inspect([...spoken('out', feed, handshake), { direction: 'in', bytes: frame(0, clear) }]);
    expect(texts(mixed, 'verdict').join()).toMatch(/does not encipher and .* does/);
  });
});

describe('an inspector of a peer that breaks the rules', () => {
  it.each([
    [
      'a message on a channel that was not opened',
      frame(5, { type: 'have', start: 1 }),
      'fault',
      /channel 5, which was not opened/,
    ],
    ['a message that breaks its schema', Uint8Array.of(3, 3, 0x10, 5), 'warning', /breaks its schema/],
    [
      'an extension without a name',
      frame(0, { type: 'extension', id: 4, payload: new Uint8Array(1) }),
      'warning',
      /extension 4 is none of those/,
    ],
    ['a second Handshake', frame(0, handshake), 'warning', /second Handshake/],
  ] as const)('tells of %s, and goes on', (_, bad, kind, says) => {
    const events = inspect(spoken('out', feed, handshake, bad, { type: 'want', start: 0 }));
    expect(texts(events, kind)).toEqual([expect.stringMatching(says)]);
    expect(types(events).at(-1)).toBe('want');
  });

  it('finds the frames again behind one that is too long, too short or on no channel', () => {
    const rest: Sendable[] = [
      { type: 'want', start: 0 },
      { type: 'request', index: 7 },
      { type: 'info', uploading: true, downloading: true },
    ];
    for (const bad of [
      Uint8Array.of(0xff, 0xff, 0xff, 0x7f, 1, 2, 3),
      Uint8Array.of(4, 0xff, 0xff, 0xff, 0xff),
      Uint8Array.of(4, 0xf3, 0xff, 0x7f, 0),
    ]) {
      const events = inspect(spoken('out', feed, handshake, bad, ...rest));
      expect(types(events)).toEqual(['feed', 'handshake', 'want', 'request', 'info']);
      expect(texts(events, 'fault')).toHaveLength(1);
      expect(texts(events, 'warning')).toEqual([`frames can be read again, ${bad.byteLength} bytes later`]);
      expect(texts(events, 'verdict')[0]).toMatch(
        /^After 2 frames, .* cannot be read up to where frames begin again/,
      );
    }
  });

  it('never throws, whatever bits are flipped', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 5 }), (flips) => {
        const chunks = recordedChunks.map(({ direction, bytes }) => ({ direction, bytes: bytes.slice() }));
        for (const [at, bit] of flips) {
          const { bytes } = chunks[at % chunks.length]!;
          bytes[Math.floor(at / chunks.length) % bytes.byteLength]! ^= 1 << bit;
        }
        const events = inspect(chunks);
        for (const { frame: one } of only(events, 'message'))
          expect(one.fields.at(-1)!.end).toBe(one.plain.byteLength);
        expect(only(events, 'verdict').length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });

  it('never throws for any bytes behind the first frame', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (parts) => {
        inspect(spoken('out', feed, handshake, ...parts));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps no more feeds than a session has channels, and says so once', () => {
    const events: InspectEvent[] = [];
    const inspector = new Inspector({
      keys: [],
      listener: (event) => events.push(event),
      limits: { channels: 3 },
    });
    const named = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
    for (const byte of [1, 2, 1, 3, 3, 4, 5, 1, 6])
      inspector.push('out', frame(byte === 1 ? 0 : 1, { type: 'feed', discoveryKey: named(byte) }), 0);
    inspector.finish(0);
    const { out } = only(events, 'statistics')[0]!;
    expect(out.feeds).toEqual([1, 2, 3].map((byte) => Buffer.from(named(byte)).toString('hex')));
    expect(texts(events, 'warning').filter((text) => !text.endsWith('is opened again'))).toEqual([
      'more than 3 feeds opened: the statistics name no others',
    ]);
    // Each is shown all the same.
    expect(
      only(events, 'message')
        .map(({ feed }) => feed?.slice(0, 2))
        .at(-1),
    ).toBe('06');
  });

  it('holds no more than the frame that it waits for, and no more requests than it may', () => {
    const events: InspectEvent[] = [];
    const inspector = new Inspector({
      keys: [key],
      listener: (event) => events.push(event),
      limits: { requests: 4 },
    });
    for (const { direction, bytes } of spoken('out', feed, handshake)) inspector.push(direction, bytes, 0);
    const keystream = new XSalsa20(key, nonce);
    keystream.xor(new Uint8Array(frame(0, handshake).byteLength));
    const push = (bytes: Uint8Array): void => {
      keystream.xor(bytes);
      inspector.push('out', bytes, 0);
    };
    for (let index = 0; index < 100; index++) push(frame(0, { type: 'request', index }));
    // Announces the largest frame, and never comes to its end.
    push(Uint8Array.of(0xff, 0xff, 0xff, 3));
    push(new Uint8Array(1000));
    inspector.end('out', 7500);
    inspector.finish(7500);
    const said = texts(events, 'verdict').join('\n');
    expect(said).toContain(
      'asked for block 96 and 3 more blocks, no answer for 6 ticks (7.5 s), then it hung up',
    );
    expect(said).toContain('ended inside a frame, of which 1004 bytes had come');
  });
});

describe('the sentence for a block that did not come', () => {
  const ask = spoken('out', feed, handshake, { type: 'request', index: 7 });
  const answer = (...rest: Sendable[]): Chunk[] => {
    const other: Sendable = { ...feed, nonce: nonce.slice().fill(8) };
    const keystream = new XSalsa20(key, nonce.slice().fill(8));
    const frames = [handshake, ...rest].map((one) => frame(0, one));
    for (const one of frames) keystream.xor(one);
    return [frame(0, other), ...frames].map((bytes) => ({ direction: 'in', bytes }));
  };
  const verdictsOf = (chunks: readonly Chunk[], waited: number): string[] => {
    const events: InspectEvent[] = [];
    const inspector = new Inspector({
      keys: [key],
      listener: (event) => events.push(event),
      names: { out: 'the reader', in: 'the writer' },
    });
    for (const { direction, bytes } of chunks) inspector.push(direction, bytes, 0);
    inspector.end('in', waited);
    inspector.end('out', waited);
    inspector.finish(waited);
    return texts(events, 'verdict');
  };

  it('names the block, the time, and who hung up', () => {
    expect(verdictsOf([...answer(), ...ask], 7500)[0]).toBe(
      'The reader asked for block 7, no answer for 6 ticks (7.5 s), then the writer hung up.',
    );
  });

  it('says that the other does not have it', () => {
    expect(verdictsOf([...ask, ...answer({ type: 'unhave', start: 5, length: 3 })], 10)).toEqual([
      'The reader asked for block 7, and the writer said that it does not have it.',
    ]);
  });

  it.each([
    ['came', { type: 'data', index: 7, value: new Uint8Array(3) } as const, undefined],
    ['was not wanted any more', undefined, { type: 'cancel', index: 7 } as const],
  ])('is not there where it %s', (_, data, cancel) => {
    const asked =
      cancel === undefined ? ask : spoken('out', feed, handshake, { type: 'request', index: 7 }, cancel);
    const said = verdictsOf([...asked, ...answer(...(data === undefined ? [] : [data]))], 10);
    expect(said).toEqual([expect.stringMatching(/^Both sides ended properly: /)]);
  });
});
