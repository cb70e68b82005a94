/** What a peer does wrong is counted, told, and held against it. */
import { describe, expect, it } from 'vitest';
import { Standing } from '../../src/feed/replication/standing.ts';
import { Feed, type FeedEvent, memoryStorage, type Peer, replicate } from '../../src/index.ts';
import { dialTcp, listenTcp } from '../../src/transport/node.ts';
import { FakeClock } from '../fake-clock.ts';
import { answering, scriptedPeer, truthOf, until } from '../feed/scripted-peer.ts';
import { blocksOf } from '../interop/blocks.ts';

const blocks = blocksOf(300, 50);
const truth = await truthOf(blocks);
const reading = (): Promise<Feed> => Feed.open(memoryStorage(), { key: truth.key, sparse: true });

describe('a fault', () => {
  it('is counted by its kind, and told as it happens', async () => {
    const clock = new FakeClock();
    const reader = await reading();
    const told: string[] = [];
    reader.subscribe((event: FeedEvent) => {
      if (event.type === 'fault') told.push(`${event.fault}: ${event.reason}`);
    });
    const peer = await scriptedPeer(
      reader,
      async (message, channel) => {
        if (message.type === 'request' && message.index === 3) channel.send({ type: 'unhave', start: 3 });
        else if (message.type === 'request' && message.index === 4)
          clock.after(3000, () => void answering(truth)(message, channel));
        else await answering(truth)(message, channel);
      },
      { clock },
    );
    expect(await reader.get(1)).toEqual(blocks[1]);
    const [remote] = reader.peers as [Peer];
    expect(remote.faults).toEqual({ wrong: 0, refused: 0, slow: 0, unproven: 0 });
    void reader.get(3).catch(() => {});
    await until(() => remote.faults.refused === 1);
    peer.channel.send({ type: 'data', index: 9, value: blocks[9]! });
    peer.channel.send({ type: 'have', start: 4, length: 64, bitfield: Uint8Array.of(7) });
    await until(() => remote.faults.wrong === 2);
    const slow = reader.get(4);
    await clock.advance(4000);
    expect(await slow).toEqual(blocks[4]);
    expect(remote.faults).toEqual({ wrong: 2, refused: 1, slow: 1, unproven: 0 });
    expect(told).toEqual([
      'refused: it did not send block 3',
      'wrong: block 9 was sent and not asked for',
      'wrong: a Have bitfield starts at block 4',
      'slow: a block took long',
    ]);
    remote.drop(new Error('not with this one'));
    expect(await peer.replication.closed).toEqual({ code: 'aborted', error: new Error('not with this one') });
    await reader.close();
  });

  it('too often makes a peer the last to be asked', async () => {
    const reader = await reading();
    const bad = await scriptedPeer(reader, answering(truth));
    const good = await scriptedPeer(reader, answering(truth));
    await until(() => reader.peers.every(({ remoteLength }) => remoteLength === 300));
    for (let i = 0; i < 4; i++) bad.channel.send({ type: 'data', index: 200 + i, value: blocks[0]! });
    await until(() => reader.peers[0]!.faults.wrong === 4);
    const asked = (peer: typeof bad): number => peer.received.filter(({ type }) => type === 'request').length;
    await Promise.all(Array.from({ length: 60 }, (_, i) => reader.get(i)));
    expect([asked(bad), asked(good)]).toEqual([0, 60]);
    // What the good one does not have is asked of it all the same, and what it has no room for.
    good.channel.send({ type: 'unhave', start: 70, length: 10 });
    await until(() => !reader.peers[1]!.remoteHas(70));
    expect(await reader.get(75)).toEqual(blocks[75]);
    expect(asked(bad)).toBe(1);
    await Promise.all(Array.from({ length: 150 }, (_, i) => reader.get(100 + i)));
    expect(asked(bad)).toBeGreaterThan(1);
    await Promise.all([bad.replication.close(), good.replication.close()]);
  });
});

describe('an address', () => {
  it('is handed to the app, which can refuse it', async () => {
    const banned = new Set<string>();
    const seen: string[] = [];
    const server = await listenTcp(0, '127.0.0.1', (transport, address) => {
      seen.push(address);
      if (banned.has(address)) return transport.abort();
      void replicate(transport, { feeds: writer, live: true }).catch(() => {});
    });
    const writer = await Feed.create(memoryStorage());
    await writer.append(blocks[0]!);
    const connecting = async () =>
      replicate(await dialTcp(server.port), {
        feeds: await Feed.open(memoryStorage(), { key: writer.key }),
      });
    const first = await connecting();
    banned.add(seen[0]!);
    await expect(connecting()).rejects.toMatchObject({ code: 'refused' });
    expect(seen).toEqual(['127.0.0.1', '127.0.0.1']);
    first.abort();
    await server.close();
    await writer.close();
  });
});

describe('a standing', () => {
  it('is doubtful with more than one fault for sixteen blocks', () => {
    const standing = new Standing();
    expect(standing.isDoubtful(0)).toBe(false);
    standing.note('slow');
    expect([0, 1].map((brought) => standing.isDoubtful(brought))).toEqual([true, false]);
    standing.note('refused');
    expect([16, 17].map((brought) => standing.isDoubtful(brought))).toEqual([true, false]);
  });
});
