import { describe, expect, it } from 'vitest';
import { SessionData } from '../../src/extension/session-data.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import { KEY, pair, scripted } from '../session/peers.ts';
import { meet, type ReferenceFeed, type ReferenceStream } from '../session/reference.ts';

const bytes = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value);

describe('session-data', () => {
  it('goes out raw, at once and then every 5 s, the newest of what waited', async () => {
    const data = new SessionData();
    data.set(bytes(3, 1));
    const { session, transport, clock } = await scripted({ extensions: [data] }, ['session-data']);
    await settle();
    const sent = () =>
      transport.packets.flatMap(({ message }) => (message.type === 'extension' ? [message.payload] : []));
    expect(sent()).toEqual([bytes(3, 1)]);
    data.set(bytes(1, 2));
    data.set(bytes(1, 3));
    await clock.advance(4999);
    expect(sent()).toHaveLength(1);
    await clock.advance(1);
    expect(sent()).toEqual([bytes(3, 1), bytes(1, 3)]);
    data.set(bytes(1, 4));
    session.abort();
    await settle();
    expect(clock.pending).toBe(0);
  });

  it('cuts what is longer than 256 bytes, and the last wins, readable at any time', async () => {
    const data = new SessionData();
    const { session, says } = await scripted({ extensions: [data] }, ['session-data']);
    expect(data.of(session)).toBeUndefined();
    await says(0, { type: 'extension', id: 0, payload: bytes(300) });
    expect(data.of(session)).toEqual({ verified: false, data: bytes(256) });
    await says(0, { type: 'extension', id: 0, payload: bytes(0) });
    expect(data.of(session)).toEqual({ verified: false, data: bytes(0) });
    expect(() => data.set(bytes(257))).toThrow(/RangeError|at most 256 bytes, got 257/);
    session.abort();
    await settle();
    expect(data.of(session)).toBeUndefined();
  });

  it('is said again after a reconnect, and to each of several', async () => {
    const [mine, theirs] = [new SessionData(), new SessionData()];
    mine.set(bytes(2, 7));
    const heard: unknown[] = [];
    theirs.subscribe((event) => void heard.push(event));
    for (let connection = 1; connection <= 2; connection++) {
      const [a, b] = await pair({ extensions: [mine] }, { extensions: [theirs] });
      await settle();
      expect(theirs.of(b)).toEqual({ verified: false, data: bytes(2, 7) });
      expect(heard).toHaveLength(connection);
      expect([mine.remoteSupports(a), mine.of(a)]).toEqual([true, undefined]);
      await Promise.all([a.close(), b.close()]);
    }
  });
});

describe('session-data with the reference', () => {
  it.each([
    ['sorted', ['ephemeral', 'session-data']],
    ['not sorted', ['session-data', 'ephemeral']],
  ])('declared %s, is the same bytes both ways', async (_, extensions) => {
    const data = new SessionData();
    data.set(bytes(5, 9));
    let feed!: ReferenceFeed;
    let stream!: ReferenceStream;
    const theirs: [string, Buffer][] = [];
    const meeting = await meet({ extensions: [data], clock: new FakeClock() }, { extensions }, (made) => {
      stream = made;
      feed = made.feed(Buffer.from(KEY));
      feed.on('extension', (name: string, payload: Buffer) => void theirs.push([name, payload]));
    });
    const { session } = meeting;
    expect(session.remoteSupports('session-data')).toBe(true);
    const ours = new Promise((resolve) => {
      data.subscribe(resolve);
    });
    expect(feed.extension('session-data', Buffer.alloc(300, 4))).toBe(true);
    expect(await ours).toEqual({
      type: 'message',
      session,
      message: { verified: false, data: bytes(256, 4) },
    });
    while (theirs.length === 0) await settle();
    // Declared alone it is first in a list of one, which the reference finds in any list.
    expect(stream.remoteSupports('session-data')).toBe(true);
    expect(theirs).toEqual([['session-data', Buffer.alloc(5, 9)]]);
    session.abort();
  });
});
