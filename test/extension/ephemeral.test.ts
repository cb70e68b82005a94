import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ephemeral, type EphemeralEvent, ephemeralCodec } from '../../src/extension/ephemeral.ts';
import { SessionData } from '../../src/extension/session-data.ts';
import { Feed, memoryStorage, replicate } from '../../src/index.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import { event, openHypercore, run, tcp } from '../interop/hypercore.ts';
import { KEY, pair, scripted } from '../session/peers.ts';
import { meet, type ReferenceFeed, type ReferenceStream } from '../session/reference.ts';
import { hex, unhex } from '../vectors/index.ts';

const text = (words: string): Uint8Array => new Uint8Array(Buffer.from(words));

/** The message by hand, from its description: `1 contentType string; 2 payload bytes`. */
function naive(contentType: string | undefined, payload: Uint8Array): Buffer {
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
  const field = (tag: number, bytes: Uint8Array) => Buffer.from([tag, ...varint(bytes.length), ...bytes]);
  return Buffer.concat([
    ...(contentType === undefined ? [] : [field(0x0a, Buffer.from(contentType))]),
    field(0x12, payload),
  ]);
}

function heard(extension: Ephemeral): EphemeralEvent[] {
  const events: EphemeralEvent[] = [];
  extension.subscribe((event) => void (event.type.startsWith('peer') || events.push(event)));
  return events;
}

describe('ephemeral', () => {
  it('is protobuf, with the payload always and the content type where it is given', () => {
    fc.assert(
      fc.property(
        fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
        fc.uint8Array(),
        (contentType, payload) => {
          expect(hex(ephemeralCodec.encode({ contentType, payload }))).toBe(hex(naive(contentType, payload)));
          expect(ephemeralCodec.decode(naive(contentType, payload))).toEqual({
            contentType: contentType ?? 'application/octet-stream',
            payload,
          });
        },
      ),
    );
  });

  it('goes both ways, marked as what nobody has verified', async () => {
    const [mine, theirs] = [new Ephemeral(), new Ephemeral()];
    const events = heard(theirs);
    await pair({ extensions: [mine] }, { extensions: [theirs] });
    await settle();
    expect(mine.broadcast({ payload: text('hi') })).toBe(1);
    expect(mine.send({ payload: text('1'), contentType: 'text/plain' }, mine.peers[0]!)).toBe(true);
    await settle();
    expect(events.map((one) => one.type === 'message' && one.message)).toEqual([
      { verified: false, contentType: 'application/octet-stream', payload: text('hi') },
      { verified: false, contentType: 'text/plain', payload: text('1') },
    ]);
  });

  it('has a hard cap, and reports what is over it or malformed', async () => {
    const mine = new Ephemeral({ maxBytes: 10 });
    const events = heard(mine);
    const { session, says } = await scripted({ extensions: [mine] }, ['ephemeral']);
    for (const payload of [
      naive(undefined, new Uint8Array(11)),
      naive(undefined, new Uint8Array(5000)),
      unhex('0a0161'),
      unhex('12ff01'),
      naive('a', new Uint8Array(10)),
    ])
      await says(0, { type: 'extension', id: 0, payload });
    expect(events.map((one) => (one.type === 'dropped' ? one.reason : one.type))).toEqual([
      'too-large',
      'too-large',
      'malformed',
      'malformed',
      'message',
    ]);
    expect(() => mine.broadcast({ payload: new Uint8Array(11) })).toThrow(
      /RangeError|at most 10 bytes, got 11/,
    );
    session.abort();
  });

  it('is left out while the connection is backed up, as a datagram is', async () => {
    const mine = new Ephemeral();
    const { session, transport } = await scripted({ extensions: [mine], limits: { sendBytes: 100 } }, [
      'ephemeral',
    ]);
    await settle();
    transport.allow(0);
    const sent = Array.from({ length: 5 }, () => mine.broadcast({ payload: new Uint8Array(60) }));
    expect(sent.reduce((a, b) => a + b)).toBeLessThan(5);
    transport.allow(100);
    await settle();
    expect(mine.broadcast({ payload: new Uint8Array(60) })).toBe(1);
    session.abort();
  });
});

describe.each([
  ['sorted', ['ephemeral', 'session-data'], true],
  // Its merge walk over an unsorted list of its own finds only the later name.
  ['not sorted', ['session-data', 'ephemeral'], false],
])('ephemeral with the reference, declared %s', (_, extensions, findsBoth) => {
  it('is the same bytes both ways', async () => {
    const mine = new Ephemeral();
    const data = new SessionData();
    data.set(text('me'));
    const events = heard(mine);
    let feed!: ReferenceFeed;
    let stream!: ReferenceStream;
    const theirs: [string, string][] = [];
    const { session } = await meet(
      { extensions: [data, mine], clock: new FakeClock() },
      { extensions },
      (made) => {
        stream = made;
        feed = made.feed(Buffer.from(KEY));
        feed.on('extension', (name: string, payload: Buffer) => void theirs.push([name, hex(payload)]));
      },
    );
    await session.open(KEY).opened;
    await settle();
    expect([session.remoteSupports('ephemeral'), session.remoteSupports('session-data')]).toEqual([
      true,
      true,
    ]);
    mine.broadcast({ payload: text('hi'), contentType: 'text/plain' });
    mine.broadcast({ payload: text('') });
    // To it.
    const expected = [
      ['session-data', hex(text('me'))],
      ['ephemeral', '0a0a746578742f706c61696e12026869'],
      ['ephemeral', '1200'],
    ].filter(([name]) => findsBoth || stream.remoteSupports(name!));
    while (theirs.length < expected.length) await settle();
    expect(theirs).toEqual(expected);
    expect(['ephemeral', 'session-data'].filter((name) => stream.remoteSupports(name))).toHaveLength(
      findsBoth ? 2 : 1,
    );
    // From it.
    feed.extension('ephemeral', naive('text/plain', text('yo')));
    feed.extension('ephemeral', Buffer.of(0x12, 0));
    feed.extension('session-data', Buffer.from('them'));
    while (events.length < 2 || data.of(session) === undefined) await settle();
    expect(events.map((one) => one.type === 'message' && one.message)).toEqual([
      { verified: false, contentType: 'text/plain', payload: text('yo') },
      { verified: false, contentType: 'application/octet-stream', payload: text('') },
    ]);
    expect(data.of(session)).toEqual({ verified: false, data: text('them') });
    session.abort();
  });
});

describe('ephemeral with hypercore 7', () => {
  it('meets the extension events of its feed, both ways over TCP', async () => {
    const writer = await openHypercore({ extensions: ['session-data', 'ephemeral'] });
    const reader = await Feed.open(memoryStorage(), { key: writer.key, sparse: true });
    const [mine, data] = [new Ephemeral(), new SessionData()];
    data.set(text('me'));
    const events = heard(mine);
    const [transport, socket] = await tcp();
    const theirs: [string, string][] = [];
    writer.on('extension', (name: string, payload: Buffer) => void theirs.push([name, hex(payload)]));
    const ended = run(socket, writer.replicate({ live: true }));
    const said = event<[string]>(writer, 'extension');
    const replication = await replicate(transport, { feeds: reader, live: true, extensions: [mine, data] });
    await said;
    expect(mine.broadcast({ payload: text('hi') })).toBe(1);
    while (theirs.length < 2) await settle();
    expect(theirs).toEqual([
      ['session-data', hex(text('me'))],
      ['ephemeral', '12026869'],
    ]);
    writer.extension('ephemeral', naive('a/b', text('yo')));
    writer.extension('session-data', Buffer.from('them'));
    while (events.length === 0 || data.of(replication.session) === undefined) await settle();
    expect(events[0]).toMatchObject({
      type: 'message',
      message: { verified: false, contentType: 'a/b', payload: text('yo') },
    });
    expect(data.of(replication.session)).toEqual({ verified: false, data: text('them') });
    await replication.close();
    expect(await ended).toBeUndefined();
  });
});
