/** The relay between two transports: order, backpressure, half-close and the end of both. */
import { describe, expect, it } from 'vitest';
import { relay } from '../../src/cli/inspect/relay.ts';
import { memoryPair, type Transport } from '../../src/index.ts';
import { settle } from '../fake-clock.ts';

const never = new AbortController().signal;
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** Tells what passes, in order. */
function listening(): { host: Parameters<typeof relay>[2]; told: string[] } {
  const told: string[] = [];
  return {
    told,
    host: {
      onBytes: async (direction, chunk) => void told.push(`${direction} ${chunk.join(' ')}`),
      onEnd: (direction, error) =>
        void told.push(`${direction} ended${error === undefined ? '' : `: ${error}`}`),
    },
  };
}

async function* of(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function all(source: AsyncIterable<Uint8Array>): Promise<number[]> {
  const received: number[] = [];
  for await (const chunk of source) received.push(...chunk);
  return received;
}

describe('the relay', () => {
  it('passes on both directions, and ends each when its sender does', async () => {
    const [client, one] = memoryPair();
    const [other, peer] = memoryPair();
    const { host, told } = listening();
    const running = relay(one, other, host, never);
    const asked = client.sink(of(bytes(1, 2), bytes(3)));
    expect(await all(peer.source)).toEqual([1, 2, 3]);
    await asked;
    // The first direction is over, and the second goes on.
    const answered = peer.sink(of(bytes(4), bytes(5)));
    expect(await all(client.source)).toEqual([4, 5]);
    await answered;
    await running;
    expect(told).toEqual(['out 1 2', 'out 3', 'out ended', 'in 4', 'in 5', 'in ended']);
  });

  it('takes no more than what the other side takes', async () => {
    let taken = 0;
    const client: Transport = {
      source: (async function* () {
        for (;;) {
          taken++;
          yield bytes(taken);
        }
      })(),
      sink: () => new Promise(() => {}),
      abort() {},
    };
    let pull: (() => void) | undefined;
    const peer: Transport = {
      source: (async function* () {
        await new Promise(() => {});
      })(),
      async sink(chunks) {
        for await (const _ of chunks) await new Promise<void>((resolve) => (pull = resolve));
      },
      abort() {},
    };
    void relay(client, peer, listening().host, never);
    for (let i = 1; i <= 5; i++) {
      await settle();
      expect(taken).toBe(i);
      pull!();
    }
  });

  it('waits for who reads along', async () => {
    const [client, one] = memoryPair();
    const [other, peer] = memoryPair();
    const { host, told } = listening();
    let goOn = (): void => {};
    const waiting = {
      ...host,
      onBytes: async (...args: Parameters<typeof host.onBytes>) => {
        await host.onBytes(...args);
        await new Promise<void>((resolve) => (goOn = resolve));
      },
    };
    void relay(one, other, waiting, never);
    const sending = client.sink(of(bytes(1), bytes(2)));
    const received = peer.source[Symbol.asyncIterator]();
    for (const [i, value] of [1, 2].entries()) {
      const next = received.next();
      await settle();
      expect(told).toEqual(['out 1', 'out 2'].slice(0, i + 1));
      goOn();
      expect((await next).value).toEqual(bytes(value));
    }
    peer.abort();
    await sending.catch(() => {});
  });

  it('tells why a side failed, and cuts the other', async () => {
    const [client, one] = memoryPair();
    const [other, peer] = memoryPair();
    const { host, told } = listening();
    const running = relay(one, other, host, never);
    client.abort(new Error('gone'));
    await running;
    expect(told.filter((line) => line.startsWith('out'))).toEqual([expect.stringMatching(/^out ended: /)]);
    await expect(all(peer.source)).rejects.toThrow();
  });

  it('cuts both when it is told to, and says nothing of an end that was none', async () => {
    const [client, one] = memoryPair();
    const [other, peer] = memoryPair();
    const { host, told } = listening();
    const stop = new AbortController();
    const running = relay(one, other, host, stop.signal);
    await settle();
    stop.abort(new Error('enough'));
    await running;
    await settle();
    expect(told).toEqual([]);
    await expect(all(client.source)).rejects.toThrow();
    await expect(all(peer.source)).rejects.toThrow();
  });
});
