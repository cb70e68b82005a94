import { describe, expect, it } from 'vitest';
import { discoveryKey } from '../../src/crypto/discovery-key.ts';
import { type Signer, signer, statement } from '../../src/crypto/signer.ts';
import { createIdentity, delegate } from '../../src/extension/signed/identity.ts';
import { encodeMessage } from '../../src/extension/signed/signed-message.ts';
import { Feed, memoryStorage } from '../../src/index.ts';
import { settle } from '../fake-clock.ts';
import { foreign } from '../foreign.ts';
import { crypto, feed, join, KEY, NAME, outcome, say, scripted } from '../session/peers.ts';
import { hex } from '../vectors/index.ts';
import { author, keysOf, NOW, type Node, seed, text, World } from './network.ts';

const name = discoveryKey(crypto, author.publicKey);

/** A message by hand. */
const packet = (who: Signer, sequence: number, more: object = {}, feed = name): Uint8Array =>
  encodeMessage(who, feed, 8, {
    sender: who.publicKey,
    epoch: NOW * 1024,
    sequence,
    timestamp: NOW,
    contentType: 'text/plain',
    payload: text(`message ${sequence}`),
    ...more,
  });

describe('a signed message', () => {
  it('says who has sent it: the author, a delegate, or a plain reader', async () => {
    const world = new World();
    const plain = await createIdentity({ key: author.publicKey, crypto });
    const friend = await createIdentity({ key: author.publicKey, crypto });
    const delegation = await delegate(author, { to: friend.publicKey, expires: NOW + 1000, crypto });
    const listener = await world.node();
    for (const identity of [author, { ...friend, delegation }, plain]) {
      const node = await world.node({ identity });
      await world.join(node.signed, listener.signed);
      expect(node.signed.send({ payload: text('hi'), contentType: 'text/plain' })).toBe(1);
    }
    await settle();
    expect(listener.events).toMatchObject(
      [
        [author, 'author'],
        [friend, 'delegate'],
        [plain, 'reader'],
      ].map(([who, role]) => ({
        type: 'message',
        message: {
          verified: true,
          sender: { id: hex((who as Signer).publicKey), role },
          contentType: 'text/plain',
          payload: text('hi'),
          audience: 'everybody',
          skipped: 0,
        },
      })),
    );
  });

  it('is delivered to its audience alone', async () => {
    const world = new World();
    const [a, hub, b] = [await world.node(), await world.node(), await world.node()];
    await world.join(a.signed, hub.signed);
    await world.join(hub.signed, b.signed);
    a.signed.send({ payload: text('for b'), audience: b.signed.identity.publicKey });
    await settle();
    expect([hub.heard(), b.heard()]).toEqual([[], ['for b']]);
    expect(b.events[0]).toMatchObject({ message: { audience: 'me' } });
  });

  it('with a flipped bit, any of it, is not delivered', async () => {
    const world = new World();
    const good = packet(keysOf(2), 1);
    const node = await world.node({ limits: { faultRate: { perSecond: 1, burst: 10_000 } } });
    const { say } = await world.script(node);
    for (let bit = 0; bit < good.byteLength * 8; bit++) {
      await say(good.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)));
    }
    const delivered = node.heard();
    // The number of hops is not signed, and behind the rest.
    expect(delivered.length).toBeLessThanOrEqual(1);
    if (delivered.length > 0) expect(delivered).toEqual(['message 1']);
    expect(node.dropped().length + delivered.length).toBe(good.byteLength * 8);
    expect(new Set(node.dropped())).toContain('forged');
  });

  it('is not delivered again, on the same connection or another, or after a reconnect', async () => {
    const world = new World();
    const node = await world.node();
    const first = await world.script(node);
    const second = await world.script(node);
    const good = packet(keysOf(2), 1);
    await first.say(good, good);
    await second.say(good);
    await first.session.close();
    const third = await world.script(node);
    await third.say(good);
    expect(node.heard()).toEqual(['message 1']);
    expect(node.dropped()).toEqual(['replayed', 'replayed', 'replayed']);
    // And none of the copies cost a signature check.
    expect(node.signed.stats).toMatchObject({ received: 4, verifications: 1, accepted: 1 });
  });

  it('that comes back to its sender is not delivered', async () => {
    const world = new World();
    const node = await world.node({ identity: keysOf(2) });
    const { say } = await world.script(node);
    await say(packet(keysOf(2), 1));
    expect([node.heard(), node.dropped()]).toEqual([[], ['reflected']]);
  });

  it('by the same identity from a later start says so', async () => {
    const world = new World();
    const node = await world.node({ identity: keysOf(2) });
    const { say } = await world.script(node);
    const later = { epoch: (NOW + 1) * 1024, timestamp: NOW + 1 };
    await say(packet(keysOf(2), 1, later));
    await say(packet(keysOf(2), 1, later).map((byte, i) => (i === 60 ? byte ^ 1 : byte)));
    expect(node.heard()).toEqual([]);
    expect(node.dropped()[0]).toBe('superseded');
    expect(node.dropped()[1]).not.toBe('superseded');
  });

  it('of another feed is not delivered, nor one whose body or signature was swapped', async () => {
    const world = new World();
    const node = await world.node();
    const { say } = await world.script(node);
    const other = discoveryKey(crypto, keysOf(7).publicKey);
    await say(packet(keysOf(2), 1, {}, other));
    expect([node.heard(), node.dropped()]).toEqual([[], ['forged']]);
  });

  it('out of order is not delivered, and a gap is told of', async () => {
    const world = new World();
    const node = await world.node();
    const { say } = await world.script(node);
    await say(...[1, 2, 5, 3, 4, 6].map((sequence) => packet(keysOf(2), sequence)));
    expect(node.heard()).toEqual([1, 2, 5, 6].map((n) => `message ${n}`));
    expect(node.dropped()).toEqual(['replayed', 'replayed']);
    expect(node.events.flatMap((event) => (event.type === 'message' ? [event.message.skipped] : []))).toEqual(
      [0, 0, 2, 0],
    );
  });

  it('after a restart of its sender is heard, and nothing from before', async () => {
    const world = new World();
    const listener = await world.node();
    const identity = keysOf(2);
    const before = await world.node({ identity });
    const [session] = await world.join(before.signed, listener.signed);
    before.signed.send({ payload: text('one') });
    await settle();
    const withheld = before.signed.write({ payload: text('withheld') });
    await session.close();
    await world.clock.advance(10);
    const after = await world.node({ identity });
    await world.join(after.signed, listener.signed);
    after.signed.send({ payload: text('two') });
    await settle();
    const { say } = await world.script(listener);
    await say(withheld);
    expect([listener.heard(), listener.dropped()]).toEqual([['one', 'two'], ['replayed']]);
  });

  it('is not delivered when its clock is off by more than two minutes, and the app is told by how much', async () => {
    const world = new World();
    const node = await world.node();
    const { say } = await world.script(node);
    await say(
      packet(keysOf(2), 1, { timestamp: NOW - 120_001 }),
      packet(keysOf(2), 2, { timestamp: NOW + 120_001 }),
      packet(keysOf(2), 3, { timestamp: NOW - 119_999 }),
    );
    expect(node.heard()).toEqual(['message 3']);
    expect(node.events.slice(0, 2)).toMatchObject([
      { reason: 'expired', skewMs: -120_001 },
      { reason: 'future', skewMs: 120_001 },
    ]);
    expect(node.signed.stats.verifications).toBe(1);
  });

  it('with a delegation that is forged, another’s, or over, is not delivered', async () => {
    const world = new World();
    const node = await world.node();
    const { say } = await world.script(node);
    const [friend, other] = [keysOf(2), keysOf(3)];
    const give = (from: Signer, to: Signer, expires = NOW + 1000) =>
      delegate(from, { to: to.publicKey, expires, crypto });
    const good = await give(author, friend);
    await say(
      packet(friend, 1, { delegation: await give(other, friend) }),
      packet(friend, 2, { delegation: await give(author, other) }),
      packet(friend, 3, { delegation: await give(author, friend, NOW - 1) }),
      packet(friend, 4, { delegation: good }),
      // One that was good once does not open the door to a longer one.
      packet(friend, 5, { delegation: { ...good, expires: NOW + 1_000_000 } }),
      // A delegate does not delegate.
      packet(other, 1, { delegation: await give(friend, other) }),
      packet(friend, 6, { delegation: good }),
    );
    expect(node.heard()).toEqual(['message 4', 'message 6']);
    expect(node.dropped()).toEqual([
      'forged-delegation',
      'forged-delegation',
      'delegation-expired',
      'forged-delegation',
      'forged-delegation',
    ]);
    await world.clock.advance(1001);
    await say(packet(friend, 7, { delegation: good }));
    expect(node.dropped().at(-1)).toBe('delegation-expired');
  });

  it('that is too large, or no message, costs no signature check', async () => {
    const world = new World();
    const node = await world.node();
    const { say } = await world.script(node);
    const large = new Uint8Array(2049);
    await say(packet(keysOf(2), 1, { payload: large }), new Uint8Array(100_000), text('nonsense'));
    expect(node.dropped()).toEqual(['too-large', 'too-large', 'malformed']);
    expect(node.signed.stats.verifications).toBe(0);
    expect(() => node.signed.send({ payload: large })).toThrow(/RangeError|at most 2048 bytes, got 2049/);
  });
});

describe('what a key signs', () => {
  it('is never 32 or 40 bytes, nor anything under 64', async () => {
    const feed = await Feed.create(memoryStorage(), { crypto });
    for (const length of [0, 32, 40, 63]) {
      expect(() => feed.signer!.sign(new Uint8Array(length)), `${length}`).toThrow(
        `"statement" expected at least 64 bytes, got ${length}`,
      );
      expect(() => signer(crypto, crypto.keyPair()).sign(new Uint8Array(length))).toThrow(RangeError);
    }
    expect(feed.signer!.sign(new Uint8Array(64))).toHaveLength(64);
    expect(statement('a')).toHaveLength(64);
    expect(() => statement('')).toThrow(RangeError);
    expect(() => statement('x'.repeat(64))).toThrow(RangeError);
    const copy = await Feed.open(memoryStorage(), { key: feed.key, crypto });
    expect(copy.signer).toBeUndefined();
  });

  it('is a statement, whatever the app chooses: no message, delegation or identity gives less', async () => {
    const lengths: number[] = [];
    const watched: Signer = {
      publicKey: author.publicKey,
      sign(message) {
        lengths.push(message.byteLength);
        return author.sign(message);
      },
    };
    await delegate(watched, { to: keysOf(2).publicKey, expires: 0, crypto });
    const world = new World();
    const node = await world.node({ identity: watched });
    for (let length = 0; length < 48; length++) node.signed.send({ payload: new Uint8Array(length) });
    expect(lengths).toHaveLength(49);
    expect(Math.min(...lengths)).toBeGreaterThan(96);
  });
});

describe('an identity', () => {
  it('is new each time, or the same for a seed, and another for each feed', async () => {
    const make = (key: Uint8Array, from?: Uint8Array) => createIdentity({ key, seed: from, crypto });
    const [feed, other] = [keysOf(1).publicKey, keysOf(2).publicKey];
    const all = await Promise.all([make(feed), make(feed), make(feed, seed(9)), make(other, seed(9))]);
    expect(new Set(all.map(({ publicKey }) => hex(publicKey))).size).toBe(4);
    expect(hex((await make(feed, seed(9))).publicKey)).toBe(hex(all[2]!.publicKey));
    await expect(make(feed, new Uint8Array(31))).rejects.toThrow(/"seed" expected 32 bytes, got 31/);
  });
});

describe('relays', () => {
  it('in a ring of three pass each message on once, and it ends', async () => {
    const world = new World();
    const nodes: Node[] = [await world.node(), await world.node(), await world.node()];
    for (const [i, node] of nodes.entries()) await world.join(node.signed, nodes[(i + 1) % 3]!.signed);
    const [a, b, c] = nodes as [Node, Node, Node];
    a.signed.send({ payload: text('round') });
    await settle();
    expect([a.heard(), b.heard(), c.heard()]).toEqual([[], ['round'], ['round']]);
    // To both; each of them to the other, which has it; and nothing more.
    expect(nodes.map(({ signed }) => signed.stats)).toMatchObject([
      { sent: 2, received: 0, forwarded: 0 },
      { sent: 0, received: 2, forwarded: 1, verifications: 1 },
      { sent: 0, received: 2, forwarded: 1, verifications: 1 },
    ]);
  });

  it('keep to the number of hops', async () => {
    const world = new World();
    const chain = await Promise.all(Array.from({ length: 5 }, () => world.node({ limits: { hops: 2 } })));
    for (let i = 0; i + 1 < chain.length; i++) await world.join(chain[i]!.signed, chain[i + 1]!.signed);
    chain[0]!.signed.send({ payload: text('far') });
    await settle();
    expect(chain.map((node) => node.heard().length)).toEqual([0, 1, 1, 1, 0]);
    // Whoever claims more hops than are allowed gets no further.
    const { say } = await world.script(chain[0]!);
    const greedy = encodeMessage(keysOf(2), name, 1000, {
      sender: keysOf(2).publicKey,
      epoch: NOW * 1024,
      sequence: 1,
      timestamp: NOW,
      contentType: 'a',
      payload: text('farther'),
    });
    await say(greedy);
    expect(chain.map((node) => node.heard().includes('farther'))).toEqual([true, true, true, false, false]);
  });

  it('pass nothing on that they did not verify, nor where they are told not to', async () => {
    const world = new World();
    const [hub, b] = [await world.node(), await world.node()];
    await world.join(hub.signed, b.signed);
    const { say } = await world.script(hub);
    const good = packet(keysOf(2), 1);
    await say(good.map((byte, i) => (i === 60 ? byte ^ 1 : byte)));
    expect(b.signed.stats.received).toBe(0);
    const [quiet, c] = [await world.node({ relay: false }), await world.node()];
    await world.join(quiet.signed, c.signed);
    await (await world.script(quiet)).say(good);
    expect([quiet.heard(), c.signed.stats.received]).toEqual([['message 1'], 0]);
  });
});

describe('a hostile peer', () => {
  it('that floods with made-up senders causes a bounded number of signature checks', async () => {
    const world = new World();
    const limits = {
      unknownRate: { perSecond: 10, burst: 20 },
      faultRate: { perSecond: 1, burst: 5 },
      linkRate: { perSecond: 1_000_000, burst: 1_000_000 },
    };
    const node = await world.node({ limits });
    const { say } = await world.script(node);
    const good = packet(keysOf(2), 1);
    const garbage = Array.from({ length: 2000 }, () => {
      const made = good.slice();
      made.set(crypto.randomBytes(32), 4);
      return made;
    });
    await say(...garbage);
    expect(node.signed.stats).toMatchObject({ received: 2000, verifications: 5, accepted: 0 });
    expect(node.dropped().filter((reason) => reason === 'too-fast')).toHaveLength(1995);
    // Another connection is not affected.
    await (await world.script(node)).say(packet(keysOf(3), 1));
    expect(node.heard()).toEqual(['message 1']);
    await world.clock.advance(2000);
    await say(...garbage);
    expect(node.signed.stats.verifications).toBe(5 + 1 + 2);
  });

  it('that opens its channel again and again has no more for it', async () => {
    const world = new World();
    const node = await world.node({ key: KEY, limits: { faultRate: { perSecond: 1, burst: 5 } } });
    const options = { extensions: [node.signed], clock: world.clock };
    const { transport } = await scripted(options, ['signed-ephemeral/1']);
    const claim = { publicKey: keysOf(2).publicKey, sign: () => new Uint8Array(64) };
    const forged = say(0, { type: 'extension', id: 0, payload: packet(claim, 1, {}, NAME) });
    for (let i = 0; i < 20; i++) {
      transport.arrive(join(feed(0, NAME), forged, forged));
      await settle();
    }
    expect(node.signed.stats).toMatchObject({ received: 40, verifications: 5 });
  });

  it('that signs properly with ever new keys is held to the rate for unknown senders', async () => {
    const world = new World();
    const node = await world.node({ limits: { unknownRate: { perSecond: 10, burst: 20 } } });
    const { say } = await world.script(node);
    await say(packet(keysOf(200), 1));
    await say(...Array.from({ length: 100 }, (_, i) => packet(keysOf(i), 1)));
    expect(node.signed.stats.verifications).toBe(20);
    // Those that are known are still heard.
    await say(packet(keysOf(200), 2));
    expect(node.heard().at(-1)).toBe('message 2');
  });

  it('that is a known sender and says too much is cut down, for everybody behind us too', async () => {
    const world = new World();
    const limits = { senderRate: { perSecond: 5, burst: 10 } };
    const [hub, b] = [await world.node({ limits }), await world.node()];
    await world.join(hub.signed, b.signed);
    const { say } = await world.script(hub);
    await say(...Array.from({ length: 100 }, (_, i) => packet(keysOf(2), i + 1)));
    expect([hub.heard().length, b.heard().length]).toEqual([10, 10]);
  });

  it('is not heard at all where it is denied', async () => {
    const world = new World();
    const asked: string[] = [];
    const node = await world.node({
      allow: ({ id, role }) => {
        asked.push(role);
        return id !== hex(keysOf(2).publicKey);
      },
    });
    const { say } = await world.script(node);
    await say(packet(keysOf(2), 1), packet(keysOf(2), 2), packet(keysOf(3), 1), packet(author, 1));
    expect([node.heard().length, node.dropped()]).toEqual([2, ['denied', 'denied']]);
    expect(node.signed.stats.verifications).toBe(3);
    expect(asked).toEqual(['reader', 'reader', 'author']);
    node.signed.deny(hex(author.publicKey));
    await say(packet(author, 2));
    expect(node.dropped().at(-1)).toBe('denied');
    node.signed.undeny(hex(author.publicKey));
    await say(packet(author, 1), packet(author, 3));
    expect(node.dropped().at(-1)).toBe('replayed');
    expect(node.heard().at(-1)).toBe('message 3');
  });

  it('cannot make us forget whom we heard, and replay', async () => {
    const world = new World();
    const node = await world.node({ limits: { senders: 3 } });
    const { say } = await world.script(node);
    const old = packet(keysOf(2), 1);
    await say(old, packet(keysOf(3), 1), packet(keysOf(4), 1), packet(keysOf(5), 1));
    expect(node.dropped()).toEqual(['too-many-senders']);
    await world.clock.advance(120_001);
    const late = { timestamp: NOW + 120_001 };
    await say(packet(keysOf(5), 2, late));
    expect(node.heard().at(-1)).toBe('message 2');
    // Forgotten, and then this machine's clock is set back.
    world.skewMs = -100_000;
    await say(old, packet(keysOf(2), 2));
    expect(node.dropped().slice(1)).toEqual(['replayed', 'replayed']);
  });
});

describe('a provider that takes its time to verify', () => {
  it('changes neither order nor count', async () => {
    const world = new World();
    const slow = {
      ...crypto,
      verify: async (...args: Parameters<typeof crypto.verify>) => {
        await settle();
        return crypto.verify(...args);
      },
    };
    const node = await world.node({ crypto: slow });
    const { say } = await world.script(node);
    const other = await world.script(node);
    const packets = [1, 2, 3, 4].map((sequence) => packet(keysOf(2), sequence));
    await Promise.all([say(...packets), other.say(...packets)]);
    while (node.signed.stats.accepted < 4 || node.dropped().length < 4) await settle();
    expect(node.heard()).toEqual([1, 2, 3, 4].map((n) => `message ${n}`));
    expect(node.dropped()).toEqual(Array(4).fill('replayed'));
  });

  it.each([
    ['by a promise of another realm', (isGood: boolean) => foreign(isGood)],
    // Nothing but `true` counts.
    ['by something else that counts as true', (isGood: boolean) => (isGood ? true : 'no')],
  ])('or answers %s is taken at its word', async (_, answer) => {
    const world = new World();
    const verify = (...args: Parameters<typeof crypto.verify>) =>
      answer(crypto.verify(...args) as boolean) as unknown as boolean;
    const node = await world.node({ crypto: { ...crypto, verify } });
    const { say } = await world.script(node);
    const claim = { publicKey: author.publicKey, sign: () => new Uint8Array(64) };
    const delegation = { expires: NOW + 1000, signature: new Uint8Array(64) };
    await say(packet(claim, 1), packet(keysOf(3), 1, { delegation }), packet(author, 2));
    expect([node.heard(), node.dropped()]).toEqual([['message 2'], ['forged', 'forged-delegation']]);
  });

  it('ends the connection on whose message it fails, and goes on with the others', async () => {
    const world = new World();
    const failing = {
      ...crypto,
      verify: (...args: Parameters<typeof crypto.verify>) => {
        if (hex(args[2]) === hex(keysOf(3).publicKey)) throw new Error('no memory');
        return Promise.resolve(crypto.verify(...args));
      },
    };
    const node = await world.node({ crypto: failing });
    const [first, second] = [await world.script(node), await world.script(node)];
    await Promise.all([
      first.say(packet(keysOf(2), 1)),
      second.say(packet(keysOf(3), 1)),
      first.say(packet(keysOf(2), 2)),
    ]);
    expect(node.heard()).toEqual(['message 1', 'message 2']);
    expect(await outcome(first.session.closed)).toBe('pending');
    expect(await second.session.closed).toMatchObject({ code: 'failed', error: { code: 'transport' } });
  });
});

describe('an app that does not say at once who is wanted', () => {
  it.each([
    ['at once', crypto.verify],
    ['late', async (...args: Parameters<typeof crypto.verify>) => crypto.verify(...args)],
  ])('lets nobody in, and is told: verified %s', async (_, verify) => {
    const world = new World();
    const allow = (async () => false) as unknown as () => boolean;
    const node = await world.node({ allow, crypto: { ...crypto, verify } });
    const { say, session } = await world.script(node);
    await say(packet(keysOf(2), 1));
    expect(node.heard()).toEqual([]);
    expect(await session.closed).toMatchObject({ code: 'failed', error: { code: 'transport' } });
  });
});
