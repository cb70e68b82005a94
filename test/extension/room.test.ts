import { describe, expect, it, vi } from 'vitest';
import { discoveryKey } from '../../src/crypto/discovery-key.ts';
import { type Signer, signer } from '../../src/crypto/signer.ts';
import type { RoomEvent } from '../../src/extension/room/events.ts';
import { interval, ttl } from '../../src/extension/room/heartbeat.ts';
import { encodePresence, PRESENCE, proveWriter } from '../../src/extension/room/presence.ts';
import { Room, type RoomOptions } from '../../src/extension/room/room.ts';
import { createIdentity, delegate } from '../../src/extension/signed/identity.ts';
import { encodeMessage } from '../../src/extension/signed/signed-message.ts';
import { Feed, memoryPair, memoryStorage, replicate } from '../../src/index.ts';
import { Channel } from '../../src/session/channel.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import { foreign } from '../foreign.ts';
import { crypto, feed, KEY, NAME, say, scripted } from '../session/peers.ts';
import { hex } from '../vectors/index.ts';
import { author, keysOf, text, World } from './network.ts';

interface Who {
  readonly name: string;
  readonly x?: number;
}

async function enter(world: World, name?: string, options: Partial<RoomOptions<Who, string>> = {}) {
  const room = await Room.open<Who, string>({
    key: author.publicKey,
    crypto,
    clock: world.clock,
    now: world.now,
    ...options,
  });
  const events: RoomEvent<Who, string>[] = [];
  room.subscribe((event) => void events.push(event));
  if (name !== undefined) room.set({ name });
  return {
    room,
    events,
    names: () => [...room.members.values()].map(({ state }) => state.name).sort(),
    told: () =>
      events.flatMap((event) => ('member' in event ? [`${event.type} ${event.member.state.name}`] : [])),
    said: () => events.flatMap((event) => (event.type === 'message' ? [event.message] : [])),
    dropped: () => events.flatMap((event) => (event.type === 'dropped' ? [event.reason] : [])),
  };
}

/** What somebody says who comes in, and claims to stay for five minutes. */
function presence(who: Signer, timestamp: number, name = discoveryKey(crypto, author.publicKey)): Uint8Array {
  const payload = encodePresence({
    leaving: false,
    state: text('{"name":"x"}'),
    ttlMs: 300_000,
    writers: [],
  });
  const body = { sender: who.publicKey, epoch: 1, sequence: 1, timestamp, contentType: PRESENCE, payload };
  return encodeMessage(who, name, 8, body);
}

/** A room, and what makes a new member come in over one connection: its number `i`. */
async function crowded(world: World, options: Partial<RoomOptions<Who, string>> = {}) {
  const hub = await enter(world, undefined, options);
  const { signed } = await world.node();
  await world.join(signed, hub.room);
  return {
    hub,
    async join(i: number, { timestamp = world.now() } = {}): Promise<void> {
      const pair = crypto.keyPair(new Uint8Array(32).fill(7).fill(i, 0, 1));
      signed.broadcast(presence(signer(crypto, pair), timestamp));
      await settle();
    },
  };
}

/** Some around one. */
async function star(world: World, names: readonly string[], hubName?: string) {
  const hub = await enter(world, hubName);
  const members = [];
  for (const name of names) {
    const member = await enter(world, name);
    const [session] = await world.join(member.room, hub.room);
    members.push({ ...member, session });
  }
  await settle();
  return { hub, members };
}

describe('a room', () => {
  it('knows who is here, also those who came before and through others', async () => {
    const world = new World();
    const { hub, members } = await star(world, ['ann', 'bob', 'cyd'], 'hub');
    expect(hub.names()).toEqual(['ann', 'bob', 'cyd']);
    expect(members.map(({ names }) => names())).toEqual([
      ['bob', 'cyd', 'hub'],
      ['ann', 'cyd', 'hub'],
      ['ann', 'bob', 'hub'],
    ]);
    const ann = members[0]!;
    expect(ann.room.members.get(members[1]!.room.id)).toMatchObject({
      role: 'reader',
      state: { name: 'bob' },
    });
    expect(members[1]!.told()).toEqual(['join hub', 'join ann', 'join cyd']);
  });

  it('tells of what a member says of itself, in one call', async () => {
    const world = new World();
    const { members } = await star(world, ['ann', 'bob']);
    const [ann, bob] = members as [(typeof members)[0], (typeof members)[0]];
    expect(ann.room.state).toEqual({ name: 'ann' });
    await world.clock.advance(100);
    for (let x = 1; x <= 5; x++) ann.room.set({ name: 'ann', x });
    await world.clock.advance(49);
    expect(bob.room.members.get(ann.room.id)!.state.x).toBe(1);
    await world.clock.advance(1);
    // The newest of those that waited.
    expect(bob.room.members.get(ann.room.id)!.state.x).toBe(5);
    expect(bob.told()).toEqual(['join ann', 'update ann', 'update ann']);
  });

  it('is left by who says so, and the others know', async () => {
    const world = new World();
    const { members } = await star(world, ['ann', 'bob']);
    members[0]!.room.leave();
    await settle();
    expect(members[1]!.events.at(-1)).toMatchObject({
      type: 'leave',
      reason: 'left',
      member: { state: { name: 'ann' } },
    });
    expect([members[1]!.names(), members[0]!.names()]).toEqual([[], ['bob']]);
    members[0]!.room.set({ name: 'ann again' });
    await world.clock.advance(50);
    expect(members[1]!.names()).toEqual(['ann again']);
  });

  it('is left by who dies silently, after three intervals', async () => {
    const world = new World();
    const { members } = await star(world, ['ann', 'bob']);
    const [ann, bob] = members as [(typeof members)[0], (typeof members)[0]];
    // Half a minute in which everybody is fine.
    await world.clock.advance(30_000);
    expect(bob.told()).toEqual(['join ann']);
    ann.session.abort(new Error('the cable was cut'));
    await world.clock.advance(ttl(3));
    expect(bob.events.at(-1)).toMatchObject({ type: 'leave', reason: 'silent' });
    expect(bob.names()).toEqual([]);
  });

  it('is the same after a reconnect: nobody comes twice', async () => {
    const world = new World();
    const { hub, members } = await star(world, ['ann', 'bob']);
    const [ann, bob] = members as [(typeof members)[0], (typeof members)[0]];
    ann.session.abort(new Error('the cable was cut'));
    await world.clock.advance(4000);
    await world.join(ann.room, hub.room);
    await world.clock.advance(60_000);
    expect(bob.told()).toEqual(['join ann']);
    expect(ann.told()).toEqual(['join bob']);
    expect(ann.names()).toEqual(['bob']);
    ann.room.send('still here');
    await settle();
    expect(bob.said()).toEqual(['still here']);
  });

  it('takes a member that starts again with its identity for the same', async () => {
    const world = new World();
    const identity = await createIdentity({ key: author.publicKey, crypto });
    const { hub, members } = await star(world, ['bob']);
    const before = await enter(world, 'ann', { identity });
    await world.join(before.room, hub.room);
    await world.clock.advance(1000);
    const after = await enter(world, 'ann again', { identity });
    await world.join(after.room, hub.room);
    await settle();
    expect(members[0]!.told()).toEqual(['join ann', 'update ann again']);
    expect(before.events.at(-1)).toEqual({ type: 'superseded' });
  });

  it('has words, for all or for one', async () => {
    const world = new World();
    const { members } = await star(world, ['ann', 'bob', 'cyd']);
    const [ann, bob, cyd] = members as [(typeof members)[0], (typeof members)[0], (typeof members)[0]];
    expect(ann.room.send('to all')).toBe(1);
    ann.room.send('to bob', ann.room.members.get(bob.room.id));
    await settle();
    expect([bob.said(), cyd.said()]).toEqual([['to all', 'to bob'], ['to all']]);
    expect(bob.events.at(-1)).toMatchObject({
      verified: true,
      toMe: true,
      sender: { id: ann.room.id, role: 'reader' },
    });
  });

  it('says nothing of who only listens', async () => {
    const world = new World();
    const { hub, members } = await star(world, ['ann']);
    await world.clock.advance(60_000);
    expect(hub.room.state).toBeUndefined();
    expect(members[0]!.names()).toEqual([]);
    expect(hub.room.stats.sent).toBe(0);
  });

  it('leaves no timer behind', async () => {
    const world = new World();
    const { hub, members } = await star(world, ['ann', 'bob'], 'hub');
    for (const { room } of [hub, ...members]) room.close();
    await Promise.all(members.map(({ session }) => session.close()));
    expect(world.clock.pending).toBe(0);
    // Nor does one whose connections are gone, once it has noticed.
    const alone = await enter(world, 'ann');
    const [session] = await world.join(alone.room, (await enter(world)).room);
    await session.close();
    await world.clock.advance(20_000);
    expect(world.clock.pending).toBe(0);
  });

  it('that was closed hears, says and passes on nothing more, also on connections that come later', async () => {
    const world = new World();
    const clock = new FakeClock();
    const hub = await enter(world, 'hub', { clock });
    const [ann, bob] = [await enter(world, 'ann'), await enter(world, 'bob')];
    for (const { room } of [ann, bob]) await world.join(room, hub.room);
    await settle();
    const writer = keysOf(7);
    hub.room.close();
    hub.room.close();
    const before = hub.events.length;
    await settle();
    expect(ann.told().at(-1)).toBe('leave hub');
    ann.room.set({ name: 'ann', x: 1 });
    ann.room.send('hello?');
    await world.clock.advance(1000);
    await world.join((await enter(world, 'cyd')).room, hub.room);
    await world.clock.advance(20_000);
    expect([hub.events.slice(before), hub.names(), hub.room.peers, clock.pending]).toEqual([[], [], [], 0]);
    expect([bob.said(), bob.told()]).toEqual([[], ['join hub', 'join ann', 'leave hub', 'leave ann']]);
    for (const say of [
      () => hub.room.set({ name: 'hub' }),
      () => hub.room.send('I am back'),
      () => hub.room.announceWriter(writer),
    ])
      expect(say).toThrow(new TypeError('the room was closed: open another one'));
    hub.room.leave();
    expect(hub.room.state).toBeUndefined();
  });

  it.each([
    ['closed', 'a member', (room: Room<Who, string>) => room.close(), []],
    ['closed', 'its feed', (room: Room<Who, string>) => room.close(), []],
    ['told to deny it', 'a member', (room: Room<Who, string>, id: string) => room.deny(id), ['denied']],
    ['told to deny it', 'its feed', (room: Room<Who, string>, id: string) => room.deny(id), []],
  ])('that is %s while the signature of %s is checked does not let it in', async (_, of, act, dropped) => {
    const world = new World();
    const clock = new FakeClock();
    const waiting: (() => void)[] = [];
    // Of a writer, the key is not the member's own.
    const verify = async (...args: Parameters<typeof crypto.verify>): Promise<boolean> => {
      const isFeeds = hex(args[2]) === hex(keysOf(7).publicKey);
      if (isFeeds === (of === 'its feed')) await new Promise<void>((resolve) => waiting.push(resolve));
      return crypto.verify(...args);
    };
    const hub = await enter(world, undefined, { clock, crypto: { ...crypto, verify } });
    const ann = await enter(world);
    ann.room.announceWriter(keysOf(7));
    ann.room.set({ name: 'ann' });
    await world.join(ann.room, hub.room);
    await settle();
    expect(waiting).toHaveLength(1);
    act(hub.room, ann.room.id);
    waiting[0]!();
    await settle();
    expect([hub.told(), hub.names(), hub.dropped(), clock.pending]).toEqual([[], [], dropped, 0]);
  });

  it('keeps no more members than senders, however long they claim to stay', async () => {
    const world = new World();
    const { hub, join } = await crowded(world, { limits: { senders: 4 } });
    // Those whose every message has expired are forgotten as senders.
    for (let i = 0; i < 12; i++) {
      await join(i, { timestamp: world.now() - 119_950 });
      await world.clock.advance(100);
    }
    expect(hub.names()).toHaveLength(4);
    expect(new Set(hub.dropped())).toEqual(new Set(['too-many-senders']));
  });

  it('says what fits also when it has grown', async () => {
    const world = new World();
    const { hub, join } = await crowded(world);
    let length = 2048;
    const fits = (): boolean => {
      try {
        hub.room.set({ name: 'x'.repeat(length) });
        return true;
      } catch {
        return false;
      }
    };
    while (!fits()) length--;
    // From here on its time to live takes a byte more.
    for (let i = 0; i < 250; i++) await join(i);
    expect(hub.names()).toHaveLength(250);
    const before = hub.room.stats.sent;
    await world.clock.advance(10_000);
    expect(hub.room.stats.sent).toBeGreaterThan(before);
  });

  it('tells once that a member is gone, also where the app denies it just then', async () => {
    const world = new World();
    const { hub, join } = await crowded(world);
    await join(1);
    await join(2);
    const ids = [...hub.room.members.keys()];
    hub.room.subscribe((event) => {
      if (event.type === 'leave') for (const id of ids) hub.room.deny(id);
    });
    await world.clock.advance(300_000);
    expect(hub.told().filter((told) => told.startsWith('leave'))).toHaveLength(2);
  });

  it('welcomes a remote once at a time, however often it opens its channel and however slowly it reads', async () => {
    const world = new World();
    const waits = vi.spyOn(Channel.prototype, 'writable');
    const room = await Room.open<Who>({ key: KEY, crypto, clock: world.clock, now: world.now });
    const options = { keys: () => KEY, extensions: [room], clock: world.clock, limits: { sendBytes: 1000 } };
    const { transport } = await scripted(options, ['signed-ephemeral/1']);
    const payload = presence(keysOf(7), world.now(), NAME);
    transport.arrive(say(0, { type: 'extension', id: 0, payload }));
    await settle();
    transport.allow(0);
    for (let i = 0; i < 50; i++) {
      transport.arrive(feed(0, NAME));
      await settle();
    }
    expect([room.members.size, waits.mock.calls.length]).toEqual([1, 1]);
    waits.mockRestore();
  });

  it('shows the role of each, and lets in whom the app allows', async () => {
    const world = new World();
    const friend = await createIdentity({ key: author.publicKey, crypto });
    const delegation = await delegate(author, { to: friend.publicKey, expires: world.now() + 1e6, crypto });
    const hub = await enter(world, 'hub', { allow: ({ role }) => role !== 'reader' });
    for (const [name, identity] of [
      ['author', author],
      ['friend', { ...friend, delegation }],
      ['stranger', undefined],
    ] as const)
      await world.join((await enter(world, name, { identity })).room, hub.room);
    await settle();
    expect([...hub.room.members.values()].map(({ state, role }) => [state.name, role])).toEqual([
      ['author', 'author'],
      ['friend', 'delegate'],
    ]);
    expect(new Set(hub.dropped())).toEqual(new Set(['denied']));
    hub.room.deny(hex(friend.publicKey));
    expect(hub.events.at(-1)).toMatchObject({
      type: 'leave',
      reason: 'denied',
      member: { state: { name: 'friend' } },
    });
    expect(hub.names()).toEqual(['author']);
    hub.room.undeny(hex(friend.publicKey));
    await world.clock.advance(10_000);
    expect(hub.names()).toEqual(['author', 'friend']);
  });

  it('reports what its codecs cannot read, and what does not fit', async () => {
    const world = new World();
    const { hub, members } = await star(world, ['ann']);
    const node = await world.node();
    await world.join(node.signed, hub.room);
    node.signed.send({ payload: text('{'), contentType: 'application/json' });
    const writers: [] = [];
    for (const state of ['{', '{"name":"x"}'])
      node.signed.broadcast(
        node.signed.write({
          contentType: PRESENCE,
          payload: encodePresence({ leaving: false, state: text(state), ttlMs: 1000, writers }),
        }),
      );
    node.signed.broadcast(node.signed.write({ contentType: PRESENCE, payload: text('nonsense') }));
    await settle();
    expect([hub.dropped(), hub.names()]).toEqual([
      ['malformed', 'malformed', 'malformed'],
      ['ann', 'x'],
    ]);
    expect(() => node.signed.send({ payload: text(''), contentType: PRESENCE })).toThrow(/of the app's own/);
    expect(() => members[0]!.room.set({ name: 'x'.repeat(2048) })).toThrow(/RangeError|at most 2048 bytes/);
    expect(members[0]!.room.state).toEqual({ name: 'ann' });
  });
});

describe('a large room around one relay', () => {
  it('has each event cross each connection once, and each member check each signature once', {
    timeout: 120_000,
  }, async () => {
    const count = 40;
    const world = new World();
    // Members of one process check the same signatures: once is enough here. `stats` counts all the same.
    const checked = new Map<string, boolean>();
    const shared = {
      ...crypto,
      verify(...[signature, message, key]: Parameters<typeof crypto.verify>) {
        const name = hex(signature) + hex(message) + hex(key);
        if (!checked.has(name)) checked.set(name, crypto.verify(signature, message, key) as boolean);
        return checked.get(name)!;
      },
    };
    const rate = { perSecond: 1, burst: 100_000 };
    const limits = { linkRate: rate, unknownRate: rate, senderRate: rate };
    const hub = await enter(world, undefined, { crypto: shared, limits });
    const members = [];
    for (let i = 0; i < count; i++) {
      const member = await enter(world, `${i}`, { crypto: shared, limits });
      await world.join(member.room, hub.room);
      members.push(member);
    }
    for (const { room } of members) {
      expect(room.members.size).toBe(count - 1);
      // Linear: one for each other member.
      expect(room.stats.verifications).toBe(count - 1);
    }
    expect(hub.room.stats).toMatchObject({ verifications: count, congested: 0 });
    const before = members.map(({ room }) => room.stats);
    for (const { room } of members) {
      room.send('an event');
      await settle();
    }
    for (const [i, { room, said }] of members.entries()) {
      const { received, sent, forwarded, verifications } = room.stats;
      expect(sent - before[i]!.sent + (received - before[i]!.received)).toBe(count);
      expect(verifications - before[i]!.verifications).toBe(count - 1);
      expect([forwarded, said().length]).toEqual([0, count - 1]);
    }
  });
});

describe('writers', () => {
  it('are announced with a proof, and known to all', async () => {
    const world = new World();
    const { members } = await star(world, ['ann', 'bob']);
    const [ann, bob] = members as [(typeof members)[0], (typeof members)[0]];
    const feed = await Feed.create(memoryStorage(), { crypto });
    ann.room.announceWriter(feed.signer!);
    ann.room.announceWriter(feed.signer!);
    await world.clock.advance(100);
    expect(bob.room.writers).toEqual([{ key: feed.key, member: bob.room.members.get(ann.room.id) }]);
    await world.clock.advance(20_000);
    expect(bob.room.writers).toHaveLength(1);
    expect(bob.told()).toEqual(['join ann', 'update ann']);
    ann.room.retractWriter(feed.key);
    await world.clock.advance(100);
    expect(bob.room.writers).toEqual([]);
  });

  it.each([
    ['', crypto.verify],
    [
      ', by a provider of another realm too',
      (...args: Parameters<typeof crypto.verify>) => foreign(crypto.verify(...args)),
    ],
  ])('that prove nothing are left out, and reported%s', async (_, verify) => {
    const world = new World();
    const hub = await enter(world, undefined, { crypto: { ...crypto, verify } });
    const name = discoveryKey(crypto, author.publicKey);
    const node = await world.node();
    await world.join(node.signed, hub.room);
    const mine = node.signed.identity.publicKey;
    const good = proveWriter(keysOf(7), name, mine);
    const claims = [
      good,
      // A member's proof taken over by another, one for another room, and one of another feed.
      proveWriter(keysOf(8), name, keysOf(2).publicKey),
      proveWriter(keysOf(8), discoveryKey(crypto, keysOf(8).publicKey), mine),
      { ...good, key: keysOf(8).publicKey },
    ];
    const say = (writers: typeof claims) =>
      node.signed.broadcast(
        node.signed.write({
          contentType: PRESENCE,
          payload: encodePresence({ leaving: false, state: text('{"name":"x"}'), ttlMs: 60_000, writers }),
        }),
      );
    say(claims);
    await settle();
    expect(hub.room.writers.map(({ key }) => hex(key))).toEqual([hex(keysOf(7).publicKey)]);
    expect(hub.dropped()).toEqual(['forged']);
    say(Array.from({ length: 9 }, () => good));
    await settle();
    expect(hub.dropped()).toEqual(['forged', 'malformed']);
  });
});

describe('a room over a feed that is replicated', () => {
  it('is where the feed is, and ends with it', async () => {
    const world = new World();
    const { clock, now } = world;
    const writer = await Feed.create(memoryStorage(), { crypto });
    await writer.append(text('block'));
    const reader = await Feed.open(memoryStorage(), { key: writer.key, crypto });
    const options = { key: writer.key, crypto, clock, now };
    const rooms = [
      await Room.open<Who>({ ...options, identity: writer.signer! }),
      await Room.open<Who>(options),
    ];
    const [mine, theirs] = rooms as [Room<Who>, Room<Who>];
    mine.set({ name: 'writer' });
    theirs.set({ name: 'reader' });
    const [left, right] = memoryPair();
    const [a, b] = await Promise.all([
      replicate(left, { feeds: () => writer, live: true, extensions: [mine], clock }),
      replicate(right, { feeds: reader, live: true, extensions: [theirs], clock }),
    ]);
    expect(await reader.get(0)).toEqual(text('block'));
    await settle();
    expect([...theirs.members.values()]).toMatchObject([{ role: 'author', state: { name: 'writer' } }]);
    expect([...mine.members.values()]).toMatchObject([{ role: 'reader', state: { name: 'reader' } }]);
    await Promise.all([a.close(), b.close()]);
    expect(mine.peers).toEqual([]);
  });
});

describe('the interval', () => {
  it('grows with the room, so that all together say no more than 40 things a second', () => {
    expect([1, 200, 400, 1000, 10_000].map(interval)).toEqual([5000, 5000, 10_000, 25_000, 45_000]);
    expect(ttl(1)).toBe(15_000);
  });
});
