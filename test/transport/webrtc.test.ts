import wrtc from '@roamhq/wrtc';
import { equals } from 'uint8arrays/equals';
import { describe, expect, it } from 'vitest';
import { Feed, memoryStorage, replicate } from '../../src/index.ts';
import { type DataChannelLike, dataChannelTransport } from '../../src/transport/webrtc.ts';
import { FakeClock } from '../fake-clock.ts';
import { chunksOf, held, readAll, settled } from './contract.ts';
import { openDataChannels } from './data-channels.ts';
import { watchListeners } from './listeners.ts';
import { countListeners, transportContract } from './suite.ts';

transportContract('dataChannelTransport over @roamhq/wrtc', {
  async make() {
    const { here, there, offering, answering } = await openDataChannels(() => new wrtc.RTCPeerConnection());
    const leftovers = watchListeners(here, there);
    return {
      here: dataChannelTransport(here, { queueBytes: 2_097_152 }),
      there: dataChannelTransport(there, { queueBytes: 2_097_152 }),
      leftovers,
      vanish: () => answering.close(),
      async cleanup() {
        offering.close();
        answering.close();
      },
    };
  },
  onSlowReader: 'overflows',
  readOnAbort: 'rejected',
  // It passes some 10 MiB/s.
  bulkBytes: 16_777_216,
});

const events = ['open', 'message', 'bufferedamountlow', 'error', 'close'];

/** A data channel whose other end, and whose buffer, the test plays. */
class ScriptedChannel extends EventTarget implements DataChannelLike {
  readyState = 'open';
  ordered = true;
  maxPacketLifeTime: number | null = null;
  maxRetransmits: number | null = null;
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  binaryType = 'blob';
  /** Lengths of the binary messages, and the texts. */
  readonly sent: (number | string)[] = [];

  send(data: string | Uint8Array): void {
    if (this.readyState !== 'open') throw new Error('InvalidStateError');
    this.sent.push(typeof data === 'string' ? data : data.byteLength);
    this.bufferedAmount += typeof data === 'string' ? 0 : data.byteLength;
  }

  close(): void {
    this.readyState = 'closed';
  }

  /** As if it had sent all but so many bytes. */
  flush(left = 0): void {
    const before = this.bufferedAmount;
    this.bufferedAmount = left;
    const threshold = this.bufferedAmountLowThreshold;
    if (before > threshold && left <= threshold) this.dispatchEvent(new Event('bufferedamountlow'));
  }

  receive(data: Uint8Array<ArrayBuffer> | string): void {
    const event = { data: typeof data === 'string' ? data : data.buffer };
    this.dispatchEvent(Object.assign(new Event('message'), event));
  }

  remoteCloses(): void {
    this.readyState = 'closed';
    this.dispatchEvent(new Event('close'));
  }
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('dataChannelTransport', () => {
  it('carries a feed between connections that are closed as soon as each has ended', async () => {
    const { here, there, offering, answering } = await openDataChannels(() => new wrtc.RTCPeerConnection());
    const feed = await Feed.create(memoryStorage());
    await feed.append(Array.from({ length: 50 }, (_, i) => new Uint8Array(1000 * i).fill(i)));
    const copy = await Feed.open(memoryStorage(), { key: feed.key });
    const ended = async (channel: DataChannelLike, feeds: Feed): Promise<string> => {
      const { closed } = await replicate(dataChannelTransport(channel), { feeds });
      return (await closed).code;
    };
    const codes = await Promise.all([
      ended(here, feed).finally(() => offering.close()),
      ended(there, copy).finally(() => answering.close()),
    ]);
    expect(codes).toEqual([expect.stringMatching(/closed$/), expect.stringMatching(/closed$/)]);
    for (let i = 0; i < 50; i++)
      expect(equals(await copy.get(i), new Uint8Array(1000 * i).fill(i))).toBe(true);
  });

  it('refuses a channel that may drop or reorder, and what is none', () => {
    for (const [name, value] of [
      ['ordered', false],
      ['maxRetransmits', 0],
      ['maxPacketLifeTime', 500],
    ] as const) {
      const channel = Object.assign(new ScriptedChannel(), { [name]: value });
      expect(() => dataChannelTransport(channel)).toThrow(
        /^"channel" expected an ordered and reliable data channel/,
      );
      expect(countListeners([channel], events)).toBe(0);
    }
    expect(() => dataChannelTransport({} as never)).toThrow(
      new TypeError('"channel" expected an RTCDataChannel, got Object'),
    );
    expect(() => dataChannelTransport(new ScriptedChannel(), { queueBytes: 0 })).toThrow(RangeError);
    expect(() => dataChannelTransport(new ScriptedChannel(), { bufferedBytes: 1.5 })).toThrow(RangeError);
  });

  it('refuses the real channels that may drop or reorder', async () => {
    const peer = new wrtc.RTCPeerConnection();
    for (const options of [{ ordered: false }, { maxRetransmits: 3 }, { maxPacketLifeTime: 100 }]) {
      const channel = peer.createDataChannel('feed', options);
      expect(() => dataChannelTransport(channel as never)).toThrow(TypeError);
    }
    peer.close();
  });

  it('sends at most 16 KiB in a message, and waits without a timer until half of the buffer has gone', async () => {
    const channel = new ScriptedChannel();
    const clock = new FakeClock();
    const transport = dataChannelTransport(channel, { bufferedBytes: 40_000, clock });
    expect(channel.binaryType).toBe('arraybuffer');
    const sinking = transport.sink(chunksOf(new Uint8Array(100_000)));
    await turns();
    expect(channel.sent).toEqual([16_384, 16_384, 16_384]);
    channel.flush(20_001);
    await turns();
    expect(channel.sent).toHaveLength(3);
    channel.flush(20_000);
    await turns();
    expect(channel.sent).toHaveLength(5);
    channel.flush();
    await turns();
    expect(channel.sent).toEqual([16_384, 16_384, 16_384, 16_384, 16_384, 16_384, 1696, 0]);
    expect(clock.pending).toBe(0);
    channel.receive('');
    await sinking;
  });

  it('looks again after a while where no event tells that the buffer has gone', async () => {
    const clock = new FakeClock();
    const channel = Object.assign(new ScriptedChannel(), { bufferedAmountLowThreshold: undefined as never });
    const transport = dataChannelTransport(channel, { bufferedBytes: 16_384, clock });
    const sinking = transport.sink(chunksOf(new Uint8Array(20_000)));
    await turns();
    expect(channel.sent).toEqual([16_384]);
    channel.bufferedAmount = 0;
    await clock.advance(10);
    expect(channel.sent).toEqual([16_384, 3616, 0]);
    channel.receive('');
    await sinking;
    expect(clock.pending).toBe(0);
  });

  it('waits for the channel to open', async () => {
    const channel = Object.assign(new ScriptedChannel(), { readyState: 'connecting' });
    const sinking = dataChannelTransport(channel).sink(chunksOf(Uint8Array.of(1)));
    await turns();
    expect(channel.sent).toEqual([]);
    channel.readyState = 'open';
    channel.dispatchEvent(new Event('open'));
    await turns();
    expect(channel.sent).toEqual([1, 0]);
    channel.receive('');
    await sinking;
  });

  it('resolves its sink once the remote has confirmed the end, and closes once both have ended', async () => {
    const channel = new ScriptedChannel();
    const transport = dataChannelTransport(channel);
    const sinking = transport.sink(chunksOf(Uint8Array.of(1)));
    let isSunk = false;
    void sinking.then(() => {
      isSunk = true;
    });
    await turns();
    expect(isSunk).toBe(false);
    channel.receive(new Uint8Array(0));
    await turns();
    expect([isSunk, channel.readyState, channel.sent]).toEqual([false, 'open', [1, 0, '']]);
    channel.receive('');
    await sinking;
    expect(channel.readyState).toBe('closed');
    expect((await readAll(transport.source)).byteLength).toBe(0);
    expect(countListeners([channel], events)).toBe(0);
  });

  it('takes the close of a remote that has ended, and has our end, for its confirmation', async () => {
    const channel = new ScriptedChannel();
    const transport = dataChannelTransport(channel);
    const sinking = transport.sink(chunksOf());
    await turns();
    channel.receive(new Uint8Array(0));
    channel.remoteCloses();
    await sinking;
    expect((await readAll(transport.source)).byteLength).toBe(0);
  });

  it.each([
    ['before our end', false],
    ['after our end', true],
  ])(
    'fails when the channel closes without an end of the remote, %s, behind what was received',
    async (_, ended) => {
      const channel = new ScriptedChannel();
      const transport = dataChannelTransport(channel);
      const sinking = transport.sink(ended ? chunksOf() : held().chunks);
      sinking.catch(() => {});
      await turns();
      channel.receive(Uint8Array.of(1, 2));
      channel.dispatchEvent(
        Object.assign(new Event('error'), { error: new Error('Transport channel closed') }),
      );
      channel.remoteCloses();
      const fault = {
        code: 'transport',
        message:
          '[transport] the data channel was closed before both sides had ended (Transport channel closed): connect the peers again',
      };
      await expect(sinking).rejects.toMatchObject(fault);
      const reader = transport.source[Symbol.asyncIterator]();
      expect((await reader.next()).value).toEqual(Uint8Array.of(1, 2));
      await expect(reader.next()).rejects.toMatchObject(fault);
      expect(countListeners([channel], events)).toBe(0);
    },
  );

  it('fails at once over a channel that is closed, and on text', async () => {
    const closed = dataChannelTransport(Object.assign(new ScriptedChannel(), { readyState: 'closed' }));
    await expect(readAll(closed.source)).rejects.toMatchObject({ code: 'transport' });
    const channel = new ScriptedChannel();
    const transport = dataChannelTransport(channel);
    channel.receive('hello');
    await expect(readAll(transport.source)).rejects.toMatchObject({ code: 'dialect' });
    expect(channel.readyState).toBe('closed');
  });

  it('tells a writer of a channel that fails while it sends', async () => {
    const channel = new ScriptedChannel();
    channel.send = () => {
      throw new Error('OperationError');
    };
    expect(await settled(dataChannelTransport(channel).sink(chunksOf(Uint8Array.of(1))))).toBe('rejected');
  });
});
