import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Channel, ChannelMessage, ChannelSendable } from '../../src/session/channel.ts';
import { KEY, NAME, OTHER, OTHER_NAME } from './peers.ts';
import { events, meet, type ReferenceFeed } from './reference.ts';

const buffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes);
const hash = new Uint8Array(32).fill(3);
const signature = new Uint8Array(64).fill(4);

/** One of each, with all fields, and the borders of the numbers. */
const everything: ChannelSendable[] = [
  { type: 'info', uploading: true, downloading: false },
  { type: 'have', start: 0 },
  { type: 'have', start: 2 ** 53 - 1, length: 7, bitfield: Uint8Array.of(2, 0xe0), ack: true },
  { type: 'unhave', start: 5, length: 3 },
  { type: 'want', start: 0, length: 1_048_576 },
  { type: 'unwant', start: 128 },
  { type: 'request', index: 0, bytes: 700, hash: true, nodes: 11 },
  { type: 'cancel', index: 4, bytes: 9, hash: true },
  { type: 'data', index: 0, value: new Uint8Array(0), nodes: [] },
  {
    type: 'data',
    index: 2,
    value: Uint8Array.of(9),
    nodes: [{ index: 4, hash, size: 2 ** 53 - 1 }],
    signature,
  },
  { type: 'extension', name: 'session-data', payload: Uint8Array.of(1, 2) },
  { type: 'extension', name: 'ephemeral', payload: new Uint8Array(0) },
];
const eventNames = ['info', 'have', 'unhave', 'want', 'unwant', 'request', 'cancel', 'data', 'extension'];

/** A message of either side in one form: no absent fields, bytes as hex, defaults as the receiver sees them. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return buffer(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined && field !== null)
      .map(([name, field]) => [name, plain(field)]),
  );
}

const defaults: Record<string, object> = {
  have: { length: 1, ack: false },
  unwant: { length: 0 },
};
const received = everything.map((message) => plain({ ...defaults[message.type], ...message }));

function sayAll(feed: ReferenceFeed): void {
  for (const message of everything) {
    if (message.type === 'extension') {
      feed.extension(message.name, buffer(message.payload));
      continue;
    }
    const fields = Object.entries(message).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? buffer(value) : value,
    ]);
    feed[message.type](Object.fromEntries(fields));
  }
}

async function take(channel: Channel, count: number): Promise<ChannelMessage[]> {
  const taken: ChannelMessage[] = [];
  for await (const message of channel) if (taken.push(message) === count) break;
  return taken;
}

const extensions = ['session-data', 'ephemeral', 'only-ours'];
const theirExtensions = ['ephemeral', 'only-theirs', 'session-data'];

describe.each([true, false])('the reference, encrypted %s', (encrypted) => {
  it('and this side understand every message of each other', async () => {
    let feed!: ReferenceFeed;
    const { session, stream } = await meet(
      { encrypted, extensions, live: true, ack: true, userData: Uint8Array.of(1) },
      {
        encrypt: encrypted,
        extensions: theirExtensions,
        ack: true,
        userData: Buffer.of(2),
        id: Buffer.of(7),
      },
      (made) => {
        feed = made.feed(buffer(KEY));
      },
    );
    expect(session.remote).toMatchObject({ live: false, ack: true, extensions: theirExtensions });
    expect([...session.remote.id, ...session.remote.userData!]).toEqual([7, 2]);
    expect(extensions.map((name) => session.remoteSupports(name))).toEqual([true, true, false]);

    const heard = events(feed, eventNames, everything.length);
    const channel = session.open(KEY);
    await channel.opened;
    for (const message of everything) channel.send(message);
    const seen = (await heard).map(([type, ...args]) =>
      type === 'extension'
        ? plain({ type, name: args[0], payload: args[1] })
        : plain({ type, ...(args[0] as object) }),
    );
    expect(seen).toEqual(received);
    expect(stream.remoteId!.equals(buffer(session.id))).toBe(true);
    expect([stream.remoteLive, stream.remoteAck, [...stream.remoteUserData!]]).toEqual([true, true, [1]]);
    expect(theirExtensions.map((name) => stream.remoteSupports(name))).toEqual([true, false, true]);

    sayAll(feed);
    expect((await take(channel, everything.length)).map(plain)).toEqual(received);
    session.abort();
  });
});

describe('the reference', () => {
  it('opens a second feed, and so do we: both orders on one connection', async () => {
    const named: string[] = [];
    const { session, stream } = await meet({}, {}, (made) => {
      made.on('feed', (name: Buffer) => named.push(plain(name) as string));
      made.feed(buffer(KEY));
    });
    const third = new Uint8Array(32).fill(3);
    // Ours first.
    const ours = session.open(OTHER);
    while (named.length < 2) await once(stream, 'feed');
    expect(named).toEqual([NAME, OTHER_NAME].map(plain));
    const theirs = stream.feed(buffer(OTHER));
    await ours.opened;
    theirs.have({ start: 1 });
    expect(await take(ours, 1)).toMatchObject([{ start: 1 }]);
    // Theirs first, with messages before we open it.
    const feed = stream.feed(buffer(third));
    for (let i = 0; i < 17; i++) feed.have({ start: i });
    for await (const channel of session.incoming) if (channel.key === undefined) break;
    const heard = events(feed, ['want'], 1);
    const channel = session.open(third);
    expect((await take(channel, 17)).map((message) => 'start' in message && message.start)).toEqual([
      ...Array(17).keys(),
    ]);
    channel.send({ type: 'want', start: 8192 });
    expect(await heard).toMatchObject([['want', { start: 8192, length: 0 }]]);
    session.abort();
  });

  it('waits to be told which feed, and is told by us', async () => {
    let feed: ReferenceFeed | undefined;
    const { session } = await meet({}, {}, (stream) => {
      stream.once('feed', () => {
        feed = stream.feed(buffer(KEY));
      });
    });
    feed!.have({ start: 3 });
    expect(await take(session.open(KEY), 1)).toMatchObject([{ start: 3 }]);
    session.abort();
  });

  it('tells us which feed, and is answered', async () => {
    const { session } = await meet({ key: undefined, keys: async () => KEY });
    await session.open(KEY).opened;
    session.abort();
  });

  it('that asks for what we do not have is hung up on; and hangs up on us', async () => {
    await expect(meet({ key: undefined, keys: () => undefined })).rejects.toMatchObject({
      code: 'unknown-feed',
    });
    const refusing = meet({}, {}, (stream) => {
      stream.once('feed', () => stream.destroy());
    });
    await expect(refusing).rejects.toMatchObject({ code: 'refused' });
  });

  it('that opens another feed first refuses us as we refuse it', async () => {
    const other = meet({}, {}, (stream) => void stream.feed(buffer(OTHER)));
    await expect(other).rejects.toMatchObject({ code: expect.stringMatching(/^(wrong-feed|refused)$/) });
  });

  it('hears our end, and ends', async () => {
    const { session, failure } = await meet();
    const channel = session.open(KEY);
    channel.send({ type: 'info', uploading: true, downloading: false });
    expect(await session.close()).toEqual({ code: 'closed' });
    expect(await failure).toBeUndefined();
  });

  it('ends, and we hear it with all that came before', async () => {
    let feed!: ReferenceFeed;
    const { session, stream } = await meet({}, {}, (made) => {
      feed = made.feed(buffer(KEY));
    });
    for (let i = 0; i < 100; i++) feed.have({ start: i });
    stream.finalize();
    expect(await take(session.open(KEY), Number.POSITIVE_INFINITY)).toHaveLength(100);
    expect(await session.closed).toEqual({ code: 'remote-closed' });
  });

  it('keeps us alive, and we keep it alive, though nobody has anything to say', async () => {
    const kept: string[] = [];
    const { session, failure } = await meet(
      {
        limits: { idleMs: 960, keepaliveMs: 480 },
        trace: (event) => {
          if (event.type === 'message' && event.message.type === 'keepalive') kept.push(event.direction);
        },
      },
      { timeout: 640 },
    );
    let ended: unknown;
    void failure.then((error) => (ended = error ?? 'ended'));
    // Each side's silence alone would have ended it several times over.
    while (['in', 'out'].some((way) => kept.filter((one) => one === way).length < 4)) {
      await new Promise((resolve) => setImmediate(resolve));
      if (ended !== undefined) break;
    }
    expect(ended).toBeUndefined();
    session.abort();
  });

  it('is hung up on where it is silent, and hangs up on us', async () => {
    const { session } = await meet({ limits: { idleMs: 100, keepaliveMs: 50 } }, { timeout: 0 });
    expect(await session.closed).toMatchObject({ error: { code: 'timeout' } });
    const other = await meet({ limits: { keepaliveMs: 60_000, idleMs: 60_000 } }, { timeout: 60 });
    expect(String(await other.failure)).toMatch(/Remote timed out/);
    expect(await other.session.closed).toMatchObject({ code: expect.stringMatching(/remote-closed|failed/) });
  });

  it('takes blocks of 5 MB from us, and we from it', async () => {
    let feed!: ReferenceFeed;
    const { session } = await meet({}, {}, (made) => {
      feed = made.feed(buffer(KEY));
    });
    const value = new Uint8Array(5_000_000);
    for (let i = 0; i < value.length; i += 1009) value[i] = i;
    const heard = events(feed, ['data'], 1);
    const channel = session.open(KEY);
    channel.send({ type: 'data', index: 1, value });
    const [[, message]] = (await heard) as [[string, { value: Buffer }]];
    expect(message.value.equals(value)).toBe(true);
    feed.data({ index: 1, value: buffer(value), nodes: [] });
    const [got] = await take(channel, 1);
    expect(Buffer.compare((got as { value: Uint8Array }).value, value)).toBe(0);
    session.abort();
  });

  it('that reads slowly holds our sending back, and gets everything', async () => {
    let feed!: ReferenceFeed;
    const { session, stream, socket } = await meet(
      { limits: { sendBytes: 100_000 } },
      { timeout: 0 },
      (made) => {
        feed = made.feed(buffer(KEY));
      },
    );
    const channel = session.open(KEY);
    await channel.opened;
    const indices: number[] = [];
    feed.on('data', ({ index }: { index: number }) => void indices.push(index));
    socket.unpipe();
    socket.pause();
    let made = 0;
    const count = 1000;
    for (let i = 0; i < count; i++) {
      channel.sendLater(() => {
        made++;
        return { type: 'data', index: i, value: new Uint8Array(64_000) };
      });
    }
    channel.send({ type: 'data', index: count, value: new Uint8Array(200_000) });
    const room = channel.writable();
    expect(room).toBeDefined();
    // Until the two sockets are full; what was made then is little against what waits.
    for (let before = -1; before !== made; ) {
      before = made;
      for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThan(count / 2);
    const heard = events(feed, ['data'], count + 1 - indices.length);
    socket.pipe(stream);
    await heard;
    await room;
    expect(indices).toEqual([...Array(count + 1).keys()]);
    session.abort();
  });
});
