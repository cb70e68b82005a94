/**
 * The vectors of the two specifications, test/vectors/ephemeral.json: made by the implementation of fixed seeds
 * (with UPDATE_VECTORS=1 they are written anew), and judged by the twin, which shares no code with it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { discoveryKey } from '../../src/crypto/discovery-key.ts';
import { libsodiumSealing } from '../../src/crypto/libsodium-sealing.ts';
import { signer } from '../../src/crypto/signer.ts';
import { ephemeralCodec } from '../../src/extension/ephemeral.ts';
import { SealedLink } from '../../src/extension/sealed/sealed-link.ts';
import { createIdentity, delegate, delegationStatement } from '../../src/extension/signed/identity.ts';
import { defaultSignedLimits } from '../../src/extension/signed/limits.ts';
import { LinkBudget, Receiver } from '../../src/extension/signed/receiver.ts';
import { decodeMessage, encodeMessage, messageStatement } from '../../src/extension/signed/signed-message.ts';
import { FakeClock } from '../fake-clock.ts';
import { crypto } from '../session/peers.ts';
import { hex, unhex } from '../vectors/index.ts';
import * as sealedTwin from './sealed-twin.ts';
import * as twin from './signed-twin.ts';

const NOW = 1_790_000_000_000;
const EPOCH = NOW * 1024;
const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const keysOf = (byte: number) => signer(crypto, crypto.keyPair(seed(byte)));
const text = (words: string): Uint8Array => new Uint8Array(Buffer.from(words));
const flip = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

const author = keysOf(1);
const name = discoveryKey(crypto, author.publicKey);
const [reader, friend, own, stranger] = [keysOf(2), keysOf(3), keysOf(4), keysOf(5)];

async function makeSigned() {
  const expires = NOW + 86_400_000;
  const delegation = await delegate(author, { to: friend.publicKey, expires, crypto });
  const ended = await delegate(author, { to: friend.publicKey, expires: NOW - 1, crypto });
  const forged = await delegate(stranger, { to: friend.publicKey, expires, crypto });
  const base = { epoch: EPOCH, timestamp: NOW, contentType: 'text/plain', payload: text('hello') };
  const from = (who: typeof author, sequence: number, more: object = {}, feed = name) =>
    encodeMessage(who, feed, 8, { ...base, sender: who.publicKey, sequence, ...more });
  const first = from(reader, 1);
  const second = from(reader, 2);
  const elsewhere = discoveryKey(crypto, stranger.publicKey);
  const packets: [string, Uint8Array][] = [
    ['a reader', first],
    ['the same again', first],
    ['with other hops', encodeMessage(reader, name, 3, decodeMessage(first).body)],
    ['a flipped bit of the payload', flip(second, second.length - 69)],
    ['a flipped bit of the signature', flip(second, second.length - 10)],
    ['the next', second],
    ['three were lost', from(reader, 6, { contentType: 'application/octet-stream' })],
    ['out of order', from(reader, 4)],
    ['a later epoch', from(reader, 1, { epoch: EPOCH + 1 })],
    ['the former epoch again', from(reader, 7)],
    ['the author', from(author, 1, { payload: text('') })],
    ['a delegate', from(friend, 1, { delegation })],
    ['a delegate whose time is over', from(friend, 2, { delegation: ended })],
    ['a delegate of somebody else', from(friend, 3, { delegation: forged })],
    ['a delegation of another identity', from(reader, 2, { epoch: EPOCH + 1, delegation })],
    [
      'a delegation with another end',
      from(friend, 4, { delegation: { ...delegation, expires: expires + 1 } }),
    ],
    ['a delegate that does not show it', from(friend, 5)],
    ['for this identity', from(reader, 3, { epoch: EPOCH + 1, audience: own.publicKey })],
    ['for another', from(reader, 4, { epoch: EPOCH + 1, audience: author.publicKey })],
    ['of another feed', from(stranger, 1, {}, elsewhere)],
    ['too old', from(stranger, 2, { timestamp: NOW - 120_001 })],
    ['just not too old', from(stranger, 3, { timestamp: NOW - 120_000 })],
    ['ahead of time', from(stranger, 4, { timestamp: NOW + 120_001 })],
    ['just not ahead of time', from(stranger, 5, { timestamp: NOW + 120_000 })],
    ['our own', from(own, 9)],
    ['our own identity from elsewhere', from(own, 1, { epoch: EPOCH + 5 })],
    ['a payload of 2048 bytes', from(stranger, 6, { payload: new Uint8Array(2048) })],
    ['a payload of 2049 bytes', from(stranger, 7, { payload: new Uint8Array(2049) })],
    ['cut off', first.subarray(0, 40)],
    ['nothing', new Uint8Array(0)],
  ];
  const receiver = new Receiver({
    crypto,
    clock: new FakeClock(),
    now: () => NOW,
    key: author.publicKey,
    discoveryKey: name,
    own: { publicKey: own.publicKey, epoch: EPOCH },
    allow: () => true,
    limits: defaultSignedLimits,
  });
  const messages = [];
  const budget = new LinkBudget(new FakeClock(), defaultSignedLimits);
  for (const [what, packet] of packets) {
    const answer = await receiver.check(packet, budget);
    const verdict = 'refused' in answer ? { verdict: answer.refused } : { verdict: 'accepted' };
    const accepted =
      'refused' in answer
        ? {}
        : {
            role: answer.accepted.sender.role,
            payload: hex(answer.accepted.payload),
            audience: answer.accepted.audience,
            skipped: answer.accepted.skipped,
          };
    messages.push({ what, packet: hex(packet), ...verdict, ...accepted });
  }
  const lasting = await createIdentity({ key: author.publicKey, seed: seed(9), crypto });
  return {
    feed: { seed: hex(seed(1)), key: hex(author.publicKey), discoveryKey: hex(name) },
    identities: [2, 3, 4, 5].map((byte) => ({
      seed: hex(seed(byte)),
      publicKey: hex(keysOf(byte).publicKey),
    })),
    derived: { secret: hex(seed(9)), publicKey: hex(lasting.publicKey) },
    delegation: {
      to: hex(friend.publicKey),
      expires,
      statement: hex(delegationStatement(name, friend.publicKey, expires)),
      signature: hex(delegation.signature),
    },
    statement: {
      body: hex(decodeMessage(first).bytes),
      statement: hex(messageStatement(name, decodeMessage(first).bytes)),
      signature: hex(decodeMessage(first).signature),
    },
    receiver: { now: NOW, own: hex(own.publicKey), ownEpoch: EPOCH },
    messages,
  };
}

async function makeSealed() {
  const sealing = await libsodiumSealing();
  const ends = [1, 2].map((byte) => sessionEnd(seed(byte).subarray(0, 24), seed(byte + 10)));
  const secrets = [seed(21), seed(22)];
  const identities = [reader, friend];
  const links = [0, 1].map(
    (i) =>
      new SealedLink({
        crypto,
        sealing,
        identity: identities[i]!,
        key: author.publicKey,
        discoveryKey: name,
        ends: { own: ends[i]!, remote: ends[1 - i]! },
        now: () => NOW,
        allow: () => true,
        keyPair: sealing.agreementKeyPair(secrets[i]!.slice()),
      }),
  ) as [SealedLink, SealedLink];
  const hellos = links.map((link) => link.hello());
  expect(await links[0].receive(hellos[1]!)).toMatchObject({ peer: { role: 'reader' } });
  expect(await links[1].receive(hellos[0]!)).toMatchObject({ peer: { role: 'reader' } });
  const contents = [
    { contentType: 'text/plain', payload: text('hello') },
    { payload: new Uint8Array(0) },
    { payload: new Uint8Array(253) },
    { payload: new Uint8Array(2048).fill(7) },
  ];
  const boxes = [];
  for (const from of [0, 1] as const) {
    for (const content of contents) {
      const box = links[from].seal(content);
      expect(await links[1 - from]!.receive(box)).toMatchObject({ content: { payload: content.payload } });
      boxes.push({ from, content: hex(ephemeralCodec.encode(content)), packet: hex(box) });
    }
  }
  return {
    discoveryKey: hex(name),
    sides: [0, 1].map((i) => ({
      nonce: hex(seed(i + 1).subarray(0, 24)),
      handshakeId: hex(seed(i + 11)),
      identitySeed: hex(seed(i + 2)),
      agreementSecret: hex(secrets[i]!),
      hello: hex(hellos[i]!),
    })),
    boxes,
  };
}

const sessionEnd = (nonce: Uint8Array, id: Uint8Array): Uint8Array =>
  new Uint8Array(Buffer.concat([nonce, crypto.blake2b([id])]));

const file = new URL('../vectors/ephemeral.json', import.meta.url);
const made = { signed: await makeSigned(), sealed: await makeSealed() };
if (process.env.UPDATE_VECTORS !== undefined) writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`);
const { signed, sealed } = JSON.parse(readFileSync(file, 'utf8')) as typeof made;

describe('the vectors', () => {
  it('are what the implementation makes of the seeds', () => {
    expect(JSON.parse(JSON.stringify(made))).toEqual({ signed, sealed });
  });
});

describe('the twin', () => {
  it('derives the same keys and names', () => {
    expect(hex(twin.publicKey(unhex(signed.feed.seed)))).toBe(signed.feed.key);
    expect(hex(twin.discoveryKey(unhex(signed.feed.key)))).toBe(signed.feed.discoveryKey);
    for (const one of signed.identities) expect(hex(twin.publicKey(unhex(one.seed)))).toBe(one.publicKey);
    const derived = twin.derive(unhex(signed.derived.secret), unhex(signed.feed.discoveryKey));
    expect(hex(twin.publicKey(derived))).toBe(signed.derived.publicKey);
  });

  it('makes the same statements and signatures', () => {
    const feedSeed = unhex(signed.feed.seed);
    const feedName = unhex(signed.feed.discoveryKey);
    const { to, expires, statement, signature } = signed.delegation;
    const stated = twin.cat(twin.context('delegation'), feedName, unhex(to), twin.u64be(expires));
    expect(hex(stated)).toBe(statement);
    expect(hex(twin.signed(stated, feedSeed))).toBe(signature);
    const body = unhex(signed.statement.body);
    const message = twin.cat(twin.context('message'), feedName, body);
    expect(hex(message)).toBe(signed.statement.statement);
    expect(hex(twin.signed(message, unhex(signed.identities[0]!.seed)))).toBe(signed.statement.signature);
    for (const { length } of [stated, message]) expect(length).toBeGreaterThan(64);
  });

  it('writes the first message byte by byte', () => {
    const body = twin.writeBody({
      sender: unhex(signed.identities[0]!.publicKey),
      epoch: EPOCH,
      sequence: 1,
      timestamp: NOW,
      contentType: 'text/plain',
      payload: text('hello'),
    });
    expect(hex(body)).toBe(signed.statement.body);
    expect(hex(twin.writeMessage(body, unhex(signed.statement.signature), 8))).toBe(
      signed.messages[0]!.packet,
    );
  });

  it('comes to the same verdict on each message, in turn', () => {
    const { now, own: mine, ownEpoch } = signed.receiver;
    const judge = new twin.Twin({ key: unhex(signed.feed.key), own: unhex(mine), ownEpoch });
    for (const { what, packet, ...expected } of signed.messages) {
      const { payload, ...answer } = judge.judge(unhex(packet), now);
      expect({ ...answer, ...(payload && { payload: hex(payload) }) }, what).toEqual(expected);
    }
    // All that there is to say was said.
    expect(new Set(signed.messages.map(({ verdict }) => verdict)).size).toBeGreaterThan(9);
  });
});

describe('the twin of the sealed messages', () => {
  const [a, b] = sealed.sides.map((side) => {
    const identity = twin.publicKey(unhex(side.identitySeed));
    const key = sealedTwin.agreementKey(unhex(side.agreementSecret));
    return {
      ...side,
      key,
      end: sealedTwin.end(unhex(side.nonce), unhex(side.handshakeId)),
      said: sealedTwin.hello(identity, key),
    };
  }) as TwinSide[] as [TwinSide, TwinSide];
  const bound = sealedTwin.binding(unhex(sealed.discoveryKey), a.end, b.end);

  it('says the same hellos', () => {
    for (const side of [a, b]) {
      const packet = sealedTwin.helloPacket(unhex(side.identitySeed), bound, side.end, side.said);
      expect(hex(packet)).toBe(side.hello);
    }
  });

  it('comes to the same keys from either end, and makes the same boxes', () => {
    const ends = [
      { end: a.end, hello: a.said },
      { end: b.end, hello: b.said },
    ] as const;
    const counters = [0, 0];
    for (const { from, content, packet } of sealed.boxes) {
      const sender = [a, b][from]!;
      const keys = [
        sealedTwin.directionKey(unhex(a.agreementSecret), b.key, bound, ...ends, sender.end),
        sealedTwin.directionKey(unhex(b.agreementSecret), a.key, bound, ...ends, sender.end),
      ];
      expect(hex(keys[0]!)).toBe(hex(keys[1]!));
      counters[from]!++;
      expect(hex(sealedTwin.box(keys[0]!, counters[from]!, unhex(content)))).toBe(packet);
    }
  });
});

interface TwinSide {
  readonly identitySeed: string;
  readonly agreementSecret: string;
  readonly hello: string;
  readonly key: Uint8Array;
  readonly end: Uint8Array;
  readonly said: Uint8Array;
}
