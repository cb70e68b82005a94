import { describe, expect, it } from 'vitest';
import { json, protobuf } from '../../src/extension/codec.ts';
import {
  ChannelExtension,
  type ExtensionEvent,
  type ExtensionOptions,
  SessionExtension,
} from '../../src/extension/extension.ts';
import type { Channel } from '../../src/session/channel.ts';
import type { Session } from '../../src/session/session.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import {
  begin,
  collect,
  feed,
  join,
  KEY,
  NAME,
  OTHER,
  OTHER_NAME,
  outcome,
  pair,
  say,
  scripted,
} from '../session/peers.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** Two sessions, each with its own object for the extension `chat`. */
async function chatting<T>(options: ExtensionOptions<T> = {}) {
  const [mine, theirs] = [new ChannelExtension<T>('chat', options), new ChannelExtension<T>('chat', options)];
  const clock = new FakeClock();
  const events: ExtensionEvent<T, Channel>[] = [];
  const unsubscribe = theirs.subscribe((event) => void events.push(event));
  const sessions = await pair({ extensions: [mine], clock }, { extensions: [theirs], clock });
  await settle();
  const heard = () => events.flatMap((event) => (event.type === 'message' ? [event.message] : []));
  const dropped = () => events.flatMap((event) => (event.type === 'dropped' ? [event.reason] : []));
  return { mine, theirs, sessions, clock, events, heard, dropped, unsubscribe, peer: mine.peers[0]! };
}

describe('an extension of a channel', () => {
  it('carries raw bytes to whoever declared it too', async () => {
    const { mine, peer, heard, sessions, theirs } = await chatting();
    expect(mine.send(bytes(1, 2), peer)).toBe(true);
    expect(mine.broadcast(bytes())).toBe(1);
    await settle();
    expect(heard()).toEqual([bytes(1, 2), bytes()]);
    expect(theirs.peers.map(({ session }) => session)).toEqual([sessions[1]]);
    expect(mine.remoteSupports(peer)).toBe(true);
  });

  it('carries what its codec says', async () => {
    const { mine, peer, heard } = await chatting({ codec: json<{ line: string }>() });
    mine.send({ line: 'déjà vu' }, peer);
    await settle();
    expect(heard()).toEqual([{ line: 'déjà vu' }]);
    expect(() => json().encode(undefined)).toThrow(/TypeError|what JSON can say/);
    const type = { toBinary: (n: number) => bytes(n), fromBinary: (some: Uint8Array) => some[0]! };
    expect(protobuf(type).decode(protobuf(type).encode(7))).toBe(7);
  });

  it('tells of peers as they come and go', async () => {
    const { events, sessions, theirs } = await chatting();
    const [channel] = theirs.peers;
    expect(events).toEqual([{ type: 'peer', peer: channel }]);
    await Promise.all(sessions.map((session) => session.close()));
    expect(events.at(-1)).toEqual({ type: 'peer-left', peer: channel });
    expect(theirs.peers).toEqual([]);
  });

  it('sends nothing to a remote that did not declare it', async () => {
    const mine = new ChannelExtension('chat');
    const [a] = await pair({ extensions: [mine] }, { extensions: ['other'] });
    await settle();
    expect(mine.peers).toEqual([]);
    expect(mine.send(bytes(1), a.open(KEY))).toBe(false);
    expect(mine.broadcast(bytes(1))).toBe(0);
  });

  it('reports what is too large, too fast or not readable, and goes on', async () => {
    const { theirs, dropped, heard, sessions, clock } = await chatting({
      codec: json<number>(),
      maxBytes: 4,
      rate: { perSecond: 2, burst: 3 },
    });
    const channel = sessions[0].open(KEY);
    const say = (text: string) =>
      channel.send({ type: 'extension', name: 'chat', payload: Buffer.from(text) });
    for (const text of ['12345', '1', '{', '3', '4']) say(text);
    await settle();
    expect(heard()).toEqual([1, 3]);
    expect(dropped()).toEqual(['too-large', 'malformed', 'too-fast']);
    await clock.advance(500);
    for (const text of ['5', '6']) say(text);
    await settle();
    expect(heard()).toEqual([1, 3, 5]);
    expect(() => theirs.send(12345, theirs.peers[0]!)).toThrow(/RangeError|at most 4 bytes, got 5/);
  });

  it('takes no more of a remote that opens its channel again and again', async () => {
    const extension = new ChannelExtension('chat', { rate: { perSecond: 1, burst: 3 } });
    let heard = 0;
    extension.subscribe((event) => void (event.type === 'message' && heard++));
    const { session, transport } = await scripted({ extensions: [extension] }, ['chat']);
    for (let i = 1; i <= 20; i++) {
      const words = Array<Uint8Array>(5).fill(say(0, { type: 'extension', id: 0, payload: bytes(i) }));
      transport.arrive(join(feed(0, NAME), ...words));
      await settle();
    }
    expect(heard).toBe(3);
    expect(await outcome(session.closed)).toBe('pending');
  });

  it('drops what comes while nobody listens, and says so', async () => {
    const { mine, peer, theirs, unsubscribe } = await chatting();
    unsubscribe();
    mine.send(bytes(1), peer);
    await settle();
    const late: unknown[] = [];
    theirs.subscribe((event) => void late.push(event));
    mine.send(bytes(2), peer);
    await settle();
    expect(late).toEqual([{ type: 'message', message: bytes(2), peer: theirs.peers[0] }]);
    expect(theirs.last(theirs.peers[0]!)).toBeUndefined();
  });

  it('or keeps the last for who listens late', async () => {
    const { mine, peer, theirs, unsubscribe } = await chatting({ keep: 'last' });
    unsubscribe();
    for (const one of [1, 2, 3]) mine.send(bytes(one), peer);
    await settle();
    const late: unknown[] = [];
    theirs.subscribe((event) => void late.push(event));
    expect(late).toEqual([{ type: 'message', message: bytes(3), peer: theirs.peers[0] }]);
    const later: unknown[] = [];
    theirs.subscribe((event) => void later.push(event));
    expect(later).toEqual([]);
    expect(theirs.last(theirs.peers[0]!)).toEqual(bytes(3));
  });

  it('is attached late where its name was declared', async () => {
    const extension = new ChannelExtension('chat');
    const [a, b] = await pair({ extensions: ['chat'] }, { extensions: ['chat'] });
    const channel = b.open(KEY);
    const before = collect(channel);
    await settle();
    a.open(KEY).send({ type: 'extension', name: 'chat', payload: bytes(1) });
    await settle();
    expect(before).toEqual([{ type: 'extension', name: 'chat', payload: bytes(1) }]);
    b.use(extension);
    b.use(extension);
    const heard: unknown[] = [];
    extension.subscribe((event) => void heard.push(event));
    expect(extension.peers).toEqual([channel]);
    a.open(KEY).send({ type: 'extension', name: 'chat', payload: bytes(2) });
    await settle();
    expect(heard).toEqual([{ type: 'message', message: bytes(2), peer: channel }]);
    expect(before).toHaveLength(1);
    expect(() => b.use(new ChannelExtension('chat'))).toThrow(/TypeError|has a handler already/);
    expect(() => b.use(new ChannelExtension('other'))).toThrow(/RangeError|declared to connect \(chat\)/);
  });

  it('tells the channels of a session apart', async () => {
    const { mine, sessions, heard, theirs } = await chatting();
    for (const session of sessions) session.open(OTHER);
    await settle();
    expect(mine.peers).toHaveLength(2);
    expect(mine.broadcast(bytes(9))).toBe(2);
    await settle();
    expect(heard()).toHaveLength(2);
    expect(theirs.peers.map(({ discoveryKey }) => discoveryKey)).toContainEqual(OTHER_NAME);
  });
});

describe('an extension of a session', () => {
  it('goes out on the first channel, and is taken on any', async () => {
    const mine = new SessionExtension('who', { codec: json<string>() });
    const heard: [string, Session][] = [];
    mine.subscribe((event) => void (event.type === 'message' && heard.push([event.message, event.peer])));
    const { session, says, transport } = await scripted({ extensions: [mine] }, ['who']);
    mine.send('me', session);
    await settle();
    expect(transport.packets.at(-1)).toMatchObject({ channel: 0, message: { type: 'extension', id: 0 } });
    await says(0, { type: 'extension', id: 0, payload: Buffer.from('"a"') });
    transport.arrive(say(1, { type: 'feed', discoveryKey: OTHER_NAME }));
    await says(1, { type: 'extension', id: 0, payload: Buffer.from('"b"') });
    expect(heard).toEqual([
      ['a', session],
      ['b', session],
    ]);
    session.abort();
  });
});

describe('what no extension takes', () => {
  it('is reported, by name where the remote gave one', async () => {
    const { says, dropped, session } = await scripted({ extensions: ['chat'] }, ['chat', 'other']);
    await says(0, { type: 'extension', id: 1, payload: bytes(1) });
    await says(0, { type: 'extension', id: 2, payload: bytes(1) });
    expect(dropped).toEqual([
      'extension string "other", which this side did not declare',
      'extension 2, which the remote did not declare',
    ]);
    session.abort();
  });
});

describe('misuse', () => {
  it.each([
    [() => new ChannelExtension(''), /TypeError: "name" expected the name of an extension/],
    [
      () => new ChannelExtension('a', { maxBytes: 0 }),
      /RangeError: "maxBytes" expected a whole number from 1/,
    ],
    [
      () => new ChannelExtension('a', { rate: { perSecond: 1, burst: 0.5 } }),
      /RangeError: "rate.burst" expected/,
    ],
  ])('is named: %s', (make, message) => {
    let thrown: unknown;
    try {
      make();
    } catch (error) {
      thrown = error;
    }
    expect(String(thrown)).toMatch(message);
  });

  it('is named: two extensions of one name; and nothing is left open', async () => {
    const { connecting, transport, clock } = begin({
      extensions: [new ChannelExtension('chat'), new ChannelExtension('chat')],
    });
    expect(String(await outcome(connecting))).toMatch(/TypeError: the extension string "chat" has a handler/);
    expect(transport.aborts).toHaveLength(1);
    expect([transport.written, clock.pending]).toEqual([[], 0]);
  });

  it('is named: an extension that is none', async () => {
    await expect(pair({ extensions: [7 as never] })).rejects.toThrow(
      /"extensions" expected names or extensions, got number 7 among them/,
    );
  });
});

describe('whoever is told of opened channels', () => {
  const told = (opened: (channel: Channel) => void) => ({ names: ['chat'], attach() {}, opened });

  it.each(['at once', 'later'])(
    'and throws ends the session as this program’s own doing: attached %s',
    async (when) => {
      const error = new Error('no room');
      const extension = told(() => {
        throw error;
      });
      const [a] = await pair({ extensions: when === 'at once' ? [extension] : ['chat'] });
      if (when === 'later') a.use(extension);
      expect(await outcome(a.closed)).toEqual({ code: 'aborted', error });
    },
  );

  it.each([0, 1, 2, 3])('is told once, also %d turns after a channel has opened', async (turns) => {
    const [a, b] = await pair({ extensions: ['chat'] }, { extensions: ['chat'] });
    a.open(OTHER);
    await settle();
    const channels: Channel[] = [];
    const channel = b.open(OTHER);
    for (let turn = 0; turn < turns; turn++) await undefined;
    b.use(told((opened) => void channels.push(opened)));
    await settle();
    expect(channels).toHaveLength(2);
    expect(new Set(channels)).toEqual(new Set([b.open(KEY), channel]));
  });

  it('is told once of the first channel, whenever it is attached', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const channels: Channel[] = [];
      const extension = told((opened) => void channels.push(opened));
      let session: Session | undefined;
      const trace = (event: { readonly type: string; readonly state?: string }) => {
        if (event.type === 'state' && event.state === 'open') void attach();
      };
      const attach = async () => {
        for (let turn = 0; turn < turns; turn++) await undefined;
        session?.use(extension);
      };
      const first = { names: ['first'], attach: (own: Session) => void (session = own) };
      const [a] = await pair({ extensions: [first, 'chat'], trace });
      await settle();
      expect(channels, `after ${turns} turns`).toEqual([a.open(KEY)]);
    }
  });
});
