import { describe, expect, it } from 'vitest';
import { discoveryKey } from '../../src/crypto/discovery-key.ts';
import { libsodiumSealing } from '../../src/crypto/libsodium-sealing.ts';
import { statement } from '../../src/crypto/signer.ts';
import { pad, unpad } from '../../src/extension/sealed/padding.ts';
import { SealedLink, type SealedLinkOptions } from '../../src/extension/sealed/sealed-link.ts';
import {
  type SealedEvent,
  SealedMessages,
  type SealedMessagesOptions,
} from '../../src/extension/sealed/sealed-messages.ts';
import { createIdentity, delegate } from '../../src/extension/signed/identity.ts';
import { write } from '../../src/wire/protobuf.ts';
import { writeHello, writeSealed } from '../../src/wire/sealed-ephemeral.ts';
import { settle } from '../fake-clock.ts';
import { foreign } from '../foreign.ts';
import { crypto, feed, join, KEY, NAME, say, scripted } from '../session/peers.ts';
import { hex } from '../vectors/index.ts';
import { author, keysOf, NOW, seed, text, World, words } from './network.ts';

const sealing = await libsodiumSealing();
const name = discoveryKey(crypto, author.publicKey);

async function node(options: Partial<SealedMessagesOptions> = {}) {
  const sealed = await SealedMessages.open({ key: author.publicKey, crypto, now: () => NOW, ...options });
  const events: SealedEvent[] = [];
  sealed.subscribe((event) => void events.push(event));
  return {
    sealed,
    events,
    heard: () => events.flatMap((event) => (event.type === 'message' ? [words(event.message.payload)] : [])),
    dropped: () => events.flatMap((event) => (event.type === 'dropped' ? [event.reason] : [])),
  };
}

/** The two ends of a connection, as bytes. */
const end = (byte: number): Uint8Array => new Uint8Array(56).fill(byte);

function link(own: number, remote: number, options: Partial<SealedLinkOptions> = {}): SealedLink {
  return new SealedLink({
    crypto,
    sealing,
    identity: keysOf(own + 10),
    key: author.publicKey,
    discoveryKey: name,
    ends: { own: end(own), remote: end(remote) },
    now: () => NOW,
    allow: () => true,
    ...options,
  });
}

/** Two that have greeted each other. */
async function greeted(): Promise<[SealedLink, SealedLink]> {
  const [a, b] = [link(1, 2), link(2, 1)];
  expect(await a.receive(b.hello())).toMatchObject({ peer: { id: hex(keysOf(12).publicKey) } });
  expect(await b.receive(a.hello())).toMatchObject({ peer: { id: hex(keysOf(11).publicKey) } });
  return [a, b];
}

const hello = { payload: text('hello') };

describe('sealed messages', () => {
  it('reach the one peer, or the few, that they are for, and tell the role of the sender', async () => {
    const world = new World();
    const friend = await createIdentity({ key: author.publicKey, crypto });
    const delegation = await delegate(author, { to: friend.publicKey, expires: NOW + 1, crypto });
    const hub = await node({ identity: { ...friend, delegation } });
    const peers = [await node({ identity: author }), await node(), await node()];
    for (const { sealed } of peers) await world.join(hub.sealed, sealed);
    expect(hub.sealed.peers.map(({ sender }) => sender.role)).toEqual(['author', 'reader', 'reader']);
    expect(hub.sealed.send({ payload: text('one'), contentType: 'a/b' }, hub.sealed.peers[1]!)).toBe(1);
    expect(hub.sealed.send({ payload: text('two') }, hub.sealed.peers.slice(1))).toBe(2);
    await settle();
    expect(peers.map(({ heard }) => heard())).toEqual([[], ['one', 'two'], ['two']]);
    expect(peers[1]!.events[1]).toMatchObject({
      message: {
        verified: true,
        sender: { id: hex(friend.publicKey), role: 'delegate' },
        contentType: 'a/b',
      },
    });
    expect(peers[1]!.sealed.send({ payload: text('back') }, peers[1]!.sealed.peers)).toBe(1);
    await settle();
    expect(hub.heard()).toEqual(['back']);
  });

  it('have keys of their own on each connection, and none after it', async () => {
    const world = new World();
    const [a, b] = [await node(), await node()];
    const [session] = await world.join(a.sealed, b.sealed);
    const [peer] = a.sealed.peers;
    await session.close();
    expect(a.sealed.peers).toEqual([]);
    expect(a.sealed.send(hello, peer!)).toBe(0);
    expect(a.events.map(({ type }) => type)).toEqual(['peer', 'peer-left']);
    await world.join(a.sealed, b.sealed);
    expect(a.sealed.peers[0]!.sender.id).toBe(peer!.sender.id);
    expect(a.sealed.send(hello, a.sealed.peers)).toBe(1);
    await settle();
    expect(b.heard()).toEqual(['hello']);
  });

  it('are not exchanged with who is not wanted', async () => {
    const world = new World();
    const [a, b] = [await node({ allow: ({ role }) => role === 'author' }), await node()];
    await world.join(a.sealed, b.sealed);
    expect([a.sealed.peers, a.dropped()]).toEqual([[], ['denied']]);
    // It does not know; what it sends arrives nowhere.
    b.sealed.send(hello, b.sealed.peers);
    await settle();
    expect([a.heard(), a.dropped()]).toEqual([[], ['denied', 'unexpected']]);
  });

  it('have a hard cap and a rate', async () => {
    const world = new World();
    const [a, b] = [await node({ maxBytes: 5000 }), await node({ rate: { perSecond: 1, burst: 3 } })];
    await world.join(a.sealed, b.sealed);
    const [peer] = a.sealed.peers;
    a.sealed.send({ payload: new Uint8Array(5000) }, peer!);
    a.sealed.send({ payload: new Uint8Array(2049) }, peer!);
    for (let i = 0; i < 3; i++) a.sealed.send(hello, peer!);
    await settle();
    expect([b.heard(), b.dropped()]).toEqual([['hello'], ['too-large', 'too-large', 'too-fast', 'too-fast']]);
    expect(() => b.sealed.send({ payload: new Uint8Array(2049) }, [])).toThrow(/RangeError|at most 2048/);
  });
});

it('a peer that opens its channel again and again has no more looked at for it', async () => {
  const a = await node({ key: KEY, rate: { perSecond: 1, burst: 5 } });
  const { transport } = await scripted({ extensions: [a.sealed] }, ['sealed-ephemeral/1']);
  const box = write(writeSealed, { counter: 1, box: new Uint8Array(300) });
  const packet = say(0, { type: 'extension', id: 0, payload: box });
  for (let i = 0; i < 10; i++) {
    transport.arrive(join(feed(0, NAME), packet, packet));
    await settle();
  }
  expect(a.dropped().filter((reason) => reason !== 'too-fast')).toEqual(Array(5).fill('unexpected'));
});

describe('a box', () => {
  it('is opened by the other end, once, in order', async () => {
    const [a, b] = await greeted();
    const boxes = [1, 2, 3].map((n) => a.seal({ payload: text(`${n}`) }));
    const open = async (box: Uint8Array) => {
      const outcome = await b.receive(box);
      return 'content' in outcome ? words(outcome.content.payload) : outcome;
    };
    expect(await open(boxes[0]!)).toBe('1');
    expect(await open(boxes[0]!)).toEqual({ refused: 'replayed' });
    expect(await open(boxes[2]!)).toBe('3');
    expect(await open(boxes[1]!)).toEqual({ refused: 'replayed' });
  });

  it('with a flipped bit, any of it, is not opened, and the next one is', async () => {
    const [a, b] = await greeted();
    const bits = a.seal(hello).byteLength * 8;
    let opened = 0;
    for (let bit = 0; bit < bits; bit++) {
      const flipped = a.seal(hello).map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      const outcome = await b.receive(flipped);
      if ('refused' in outcome) continue;
      // The wire type of a field that is known is not looked at, as in the reference.
      expect(outcome).toEqual({ content: { contentType: 'application/octet-stream', ...hello } });
      opened++;
    }
    expect(opened).toBeLessThan(10);
    expect(await b.receive(a.seal(hello))).toHaveProperty('content');
  });

  it('says only roughly how long it is', async () => {
    const [a] = await greeted();
    const sizes = [0, 1, 200, 245, 300, 1000, 1100].map(
      (n) => a.seal({ payload: new Uint8Array(n) }).byteLength,
    );
    expect(new Set(sizes).size).toBe(3);
    for (const length of [0, 1, 254, 255, 256, 1023, 1024]) {
      const message = new Uint8Array(length).fill(0);
      expect(unpad(pad(message))).toEqual(message);
    }
    expect(() => unpad(new Uint8Array(256))).toThrow(RangeError);
  });

  it('that comes back to its sender, or goes to another connection of the same two, is not opened', async () => {
    const [a, b] = await greeted();
    const [c, d] = [link(3, 4), link(4, 3)];
    await c.receive(d.hello());
    await d.receive(c.hello());
    const box = a.seal(hello);
    expect(await a.receive(box)).toEqual({ refused: 'forged' });
    expect(await d.receive(box)).toEqual({ refused: 'forged' });
    expect(await b.receive(box)).toHaveProperty('content');
  });

  it('before the hello is not taken, and nothing is sealed', async () => {
    const [a] = await greeted();
    const fresh = link(2, 1);
    expect(await fresh.receive(a.seal(hello))).toEqual({ refused: 'unexpected' });
    expect(() => fresh.seal(hello)).toThrow(TypeError);
  });

  it('cannot be opened with what is left when the connection has ended', async () => {
    const [a, b] = await greeted();
    const box = a.seal(hello);
    b.end();
    expect(await b.receive(box)).toEqual({ refused: 'unexpected' });
    // The long-term keys of both, and all that went over the wire, give a new link nothing.
    const again = link(2, 1);
    await again.receive(a.hello());
    expect(await again.receive(box)).toEqual({ refused: 'forged' });
  });
});

describe('a hello', () => {
  it('is good for one connection, one feed and one direction', async () => {
    const said = link(1, 2).hello();
    for (const [what, other] of [
      ['another connection', link(2, 3)],
      ['its sender', link(1, 2)],
      ['another feed', link(2, 1, { discoveryKey: discoveryKey(crypto, seed(99)) })],
      ['both ends the same', link(1, 1)],
    ] as const)
      expect(await other.receive(said), what).toEqual({ refused: 'forged' });
    expect(await link(2, 1).receive(said)).toHaveProperty('peer');
  });

  it('that is signed by another over a key that is not his gives no box that opens', async () => {
    const [a, b] = [link(1, 2), link(2, 1)];
    // The one in between takes the place of a towards b, and passes everything else on.
    const key = sealing.agreementKeyPair(seed(5));
    const alice = link(1, 2, { keyPair: { ...key, secretKey: key.secretKey.slice() } });
    const mallory = keysOf(66);
    const bytes = write(writeHello, { sender: mallory.publicKey, key: key.publicKey });
    const binding = crypto.blake2b([statement('hypercore sealed-ephemeral/1 binding', name, end(1), end(2))]);
    const signature = mallory.sign(statement('hypercore sealed-ephemeral/1 hello', binding, end(1), bytes));
    expect(await b.receive(write(writeSealed, { hello: bytes, signature }))).toMatchObject({
      peer: { id: hex(mallory.publicKey) },
    });
    await alice.receive(b.hello());
    expect(await b.receive(alice.seal(hello))).toEqual({ refused: 'forged' });
    expect(await alice.receive(b.seal(hello))).toEqual({ refused: 'forged' });
    void a;
  });

  it('is good only where the provider says `true`', async () => {
    const verify = (...args: Parameters<typeof crypto.verify>) =>
      foreign(crypto.verify(...args) === true ? true : 'no') as Promise<boolean>;
    const forged = { publicKey: author.publicKey, sign: () => new Uint8Array(64) };
    const receiver = () => link(1, 2, { crypto: { ...crypto, verify } });
    expect(await receiver().receive(link(2, 1, { identity: forged }).hello())).toEqual({ refused: 'forged' });
    const delegation = { expires: NOW + 1000, signature: new Uint8Array(64) };
    const delegated = link(2, 1, { identity: { ...keysOf(12), delegation } });
    expect(await receiver().receive(delegated.hello())).toEqual({ refused: 'forged' });
    expect(await receiver().receive(link(2, 1).hello())).toMatchObject({ peer: { role: 'reader' } });
  });

  it('waits for no app that does not say at once who is wanted', async () => {
    const allow = (async () => false) as unknown as () => boolean;
    await expect(link(1, 2, { allow }).receive(link(2, 1).hello())).rejects.toThrow(
      /"allow" expected .* got Promise/,
    );
  });

  it('with a key of low order, half a delegation, or a wrong length is refused', async () => {
    const binding = crypto.blake2b([statement('hypercore sealed-ephemeral/1 binding', name, end(1), end(2))]);
    const say = (fields: object) => {
      const bytes = write(writeHello, { sender: keysOf(11).publicKey, key: seed(1), ...fields });
      const signature = keysOf(11).sign(
        statement('hypercore sealed-ephemeral/1 hello', binding, end(1), bytes),
      );
      return write(writeSealed, { hello: bytes, signature });
    };
    const b = () => link(2, 1);
    expect(await b().receive(say({}))).toHaveProperty('peer');
    expect(await b().receive(say({ key: new Uint8Array(32) }))).toEqual({ refused: 'forged' });
    for (const wrong of [{ delegationExpires: NOW }, { key: new Uint8Array(31) }, { sender: undefined }])
      expect(await b().receive(say(wrong))).toEqual({ refused: 'malformed' });
    expect(await b().receive(write(writeSealed, {}))).toEqual({ refused: 'malformed' });
  });

  it('with a delegation that is over, or not by the feed, is refused', async () => {
    const identity = keysOf(11);
    const give = async (from: typeof author, expires: number) => ({
      ...identity,
      delegation: await delegate(from, { to: identity.publicKey, expires, crypto }),
    });
    const receive = async (from: typeof author, expires: number) =>
      link(2, 1).receive(link(1, 2, { identity: await give(from, expires) }).hello());
    expect(await receive(author, NOW)).toMatchObject({ peer: { role: 'delegate' } });
    expect(await receive(author, NOW - 1)).toEqual({ refused: 'delegation-expired' });
    expect(await receive(keysOf(3), NOW)).toEqual({ refused: 'forged' });
  });

  it('is looked at four times at most, and no second one counts', async () => {
    const b = link(2, 1);
    const good = link(1, 2).hello();
    const bad = good.map((byte, i) => (i === good.byteLength - 1 ? byte ^ 1 : byte));
    for (let i = 0; i < 4; i++) expect(await b.receive(bad)).toEqual({ refused: 'forged' });
    expect(await b.receive(good)).toEqual({ refused: 'unexpected' });
    const [a] = await greeted();
    expect(await a.receive(link(2, 1).hello())).toEqual({ refused: 'unexpected' });
  });
});
