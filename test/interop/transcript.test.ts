/** The recorded session of two hypercores: we take either part, and the other says what it said then. */
import { describe, expect, it } from 'vitest';
import { libsodium } from '../../src/crypto/libsodium.ts';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { XSalsa20 } from '../../src/crypto/xsalsa20.ts';
import { Feed, memoryStorage, type Replication, replicate } from '../../src/index.ts';
import { decodePacket } from '../../src/wire/codec.ts';
import { Deframer } from '../../src/wire/frame.ts';
import type { Message } from '../../src/wire/messages.ts';
import { settle } from '../fake-clock.ts';
import { ScriptedTransport, withNonces } from '../session/scripted.ts';
import { unhex, v6 } from '../vectors/index.ts';
import { fromKnown } from '../wire/known.ts';

const known = v6.hypercoreSession;
const key = unhex(known.key);
const blocks: Uint8Array[] = v6.merkle.blocks.slice(0, 3).map(unhex);
const keyPair = { publicKey: unhex(v6.merkle.publicKey), secretKey: unhex(v6.merkle.secretKey) };
const said = (from: 'A' | 'B', typeName: string): Message[] =>
  known.order
    .filter((entry: { from: string; typeName: string }) => entry.from === from && entry.typeName === typeName)
    .map((entry: { message: Record<string, unknown> }) => fromKnown(typeName, entry.message));

/** The other side's bytes, one chunk a write. */
function writesOf(direction: { wire: string; writes: number[] }): Uint8Array[] {
  const bytes = unhex(direction.wire);
  let at = 0;
  return direction.writes.map((length) => bytes.slice(at, (at += length)));
}

class Recorded {
  readonly transport = new ScriptedTransport();
  readonly #nonce: Uint8Array;

  constructor(nonce: string) {
    this.#nonce = unhex(nonce);
  }

  crypto(provider: CryptoProvider): CryptoProvider {
    return withNonces(provider, this.#nonce);
  }

  /** What we have sent, of a type. */
  sent(type: Message['type']): Message[] {
    const bytes = this.transport.bytes;
    new XSalsa20(key, this.#nonce).xor(bytes.subarray(62));
    const bodies: Uint8Array[] = [];
    new Deframer(8_388_608).push(bytes, bodies);
    const messages = bodies.map((body) => decodePacket(body, 256).message);
    return messages.filter((message) => message.type === type);
  }

  async until(type: Message['type'], count: number): Promise<void> {
    while (this.sent(type).length < count) await settle();
  }
}

const byIndex = (messages: Message[]): Message[] =>
  [...messages].sort((a, b) => ('index' in a && 'index' in b ? a.index - b.index : 0));

async function ended(starting: Promise<Replication>): Promise<unknown> {
  return (await starting).closed;
}

describe('the recorded session', () => {
  it('with us as A, the writer', async () => {
    const recorded = new Recorded(known.aToB.nonce);
    const crypto = recorded.crypto(await libsodium());
    const feed = await Feed.create(memoryStorage(), { keyPair, crypto });
    await feed.append(blocks);
    const end = ended(replicate(recorded.transport, { feeds: feed, id: unhex(known.aId) }));
    recorded.transport.arrive(...writesOf(known.bToA));
    await recorded.until('info', 1);
    recorded.transport.end();
    expect(await end).toEqual({ code: expect.stringMatching(/closed/) });

    expect(recorded.sent('feed')).toEqual(said('A', 'Feed'));
    expect(recorded.sent('handshake')).toMatchObject(said('A', 'Handshake'));
    expect(recorded.sent('have')).toEqual(said('A', 'Have'));
    // The same blocks, nodes and signature, byte for byte.
    expect(byIndex(recorded.sent('data'))).toEqual(byIndex(said('A', 'Data')));
    expect(recorded.sent('info')).toEqual(said('A', 'Info'));
    expect(recorded.transport.hasEnded).toBe(true);
  });

  it('with us as B, the reader', async () => {
    const recorded = new Recorded(known.bToA.nonce);
    const crypto = recorded.crypto(await libsodium());
    const feed = await Feed.open(memoryStorage(), { key, crypto });
    const end = ended(replicate(recorded.transport, { feeds: feed, id: unhex(known.bId) }));
    // Feed, Handshake and both Haves; the Data once we have asked; the Info once we have all.
    const writes = writesOf(known.aToB);
    recorded.transport.arrive(...writes.slice(0, 4));
    await recorded.until('request', 3);
    recorded.transport.arrive(...writes.slice(4, 7));
    await recorded.until('info', 1);
    recorded.transport.arrive(...writes.slice(7));
    recorded.transport.end();
    expect(await end).toEqual({ code: expect.stringMatching(/closed/) });

    expect(recorded.sent('feed')).toEqual(said('B', 'Feed'));
    expect(recorded.sent('handshake')).toMatchObject(said('B', 'Handshake'));
    expect(recorded.sent('want')).toEqual(said('B', 'Want'));
    expect(byIndex(recorded.sent('request'))).toEqual(byIndex(said('B', 'Request')));
    expect(recorded.sent('info')).toEqual(said('B', 'Info'));
    expect([feed.length, feed.byteLength]).toEqual([known.cloneLength, known.cloneByteLength]);
    for (const [i, block] of blocks.entries()) expect(await feed.get(i, { wait: false })).toEqual(block);
  });
});
