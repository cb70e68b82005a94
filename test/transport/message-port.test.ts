import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { type MessagePortLike, messagePortTransport } from '../../src/transport/message-port.ts';

import { chunksOf, held, readAll, settled } from './contract.ts';
import { countListeners, transportContract } from './suite.ts';

const events = ['message', 'messageerror', 'error', 'close'];
/** Types of Node 20 do not say that its ports are EventTargets, which they are. */
const like = (port: MessagePort): MessagePortLike => port as unknown as MessagePortLike;

transportContract('messagePortTransport within a thread', {
  async make() {
    const { port1, port2 } = new MessageChannel();
    return {
      here: messagePortTransport(like(port1)),
      there: messagePortTransport(like(port2)),
      leftovers: () => countListeners([port1, port2], events),
      vanish: () => port2.close(),
    };
  },
  // The window, and the chunk that waits.
  bufferedBytes: 1_048_576 + 131_072,
  onSlowReader: 'waits',
  readOnAbort: 'rejected',
});

/** A worker thread that relays between pairs of ports, so that both ends of what crosses it can be held here. */
async function startRelay(): Promise<Worker> {
  const { outputFiles } = await build({
    entryPoints: [new URL('relay.worker.ts', import.meta.url).pathname],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  });
  return new Worker(outputFiles[0]!.text, { eval: true });
}

let relay: Promise<Worker> | undefined;
afterAll(async () => {
  await (await relay)?.terminate();
});

transportContract('messagePortTransport across a worker thread', {
  async make() {
    relay ??= startRelay();
    const worker = await relay;
    const [one, two] = [new MessageChannel(), new MessageChannel()];
    worker.postMessage([one.port2, two.port2], [one.port2, two.port2]);
    return {
      here: messagePortTransport(like(one.port1)),
      there: messagePortTransport(like(two.port1)),
      leftovers: () => countListeners([one.port1, two.port1], events),
      vanish() {
        relay = undefined;
        void worker.terminate();
      },
    };
  },
  // Two windows, and what is on its way between them.
  bufferedBytes: 2 * 1_048_576 + 262_144,
  onSlowReader: 'waits',
  readOnAbort: 'rejected',
});

/** One end of a worker's implicit port: what it posts, the other gets in the next turn, if it listens then. */
class WorkerEnd extends EventTarget {
  other: WorkerEnd | undefined;
  readonly posted: unknown[] = [];

  postMessage(message: unknown, transfer: ArrayBuffer[] = []): void {
    const data = structuredClone(message, { transfer });
    this.posted.push(data);
    setImmediate(() => this.other?.receive(data));
  }

  receive(data: unknown): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data }));
  }
}

function workerPair(): [WorkerEnd, WorkerEnd] {
  const [one, two] = [new WorkerEnd(), new WorkerEnd()];
  one.other = two;
  two.other = one;
  return [one, two];
}

const named = (content: unknown): unknown => ({ 'hypercore-wire transport': content });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('messagePortTransport', () => {
  it('refuses what is no port, and says what to do with a Worker of Node', () => {
    expect(() => messagePortTransport(undefined as never)).toThrow(TypeError);
    expect(() => messagePortTransport({ postMessage() {} } as never)).toThrow(
      /"port" expected a MessagePort.*got Object: to a Worker of Node, send one port of a MessageChannel/,
    );
  });

  it('shares a worker with an app, whose messages it does not take', async () => {
    const [page, worker] = workerPair();
    const [here, there] = [messagePortTransport(page), messagePortTransport(worker)];
    const seen: unknown[] = [];
    worker.addEventListener('message', (event) => seen.push((event as MessageEvent).data));
    for (const data of ['hi', null, undefined, 5, { type: 'app' }, new ArrayBuffer(9), [1]])
      page.postMessage(data, []);
    const sinking = here.sink(chunksOf(Uint8Array.of(1, 2, 3)));
    expect([...(await readAll(there.source))]).toEqual([1, 2, 3]);
    await sinking;
    expect(seen).toContainEqual({ type: 'app' });
  });

  it('waits for an other side that listens only later', async () => {
    const [page, worker] = workerPair();
    const here = messagePortTransport(page);
    const sinking = here.sink(chunksOf(Uint8Array.of(7)));
    for (let turns = 0; turns < 5; turns++) await turn();
    const there = messagePortTransport(worker);
    expect([...(await readAll(there.source))]).toEqual([7]);
    await sinking;
    const answer = there.sink(chunksOf(Uint8Array.of(8)));
    expect([...(await readAll(here.source))]).toEqual([8]);
    await answer;
  });

  it('transfers a chunk that spans its buffer, and copies a view', async () => {
    const [page, worker] = workerPair();
    const [here, there] = [messagePortTransport(page), messagePortTransport(worker)];
    const whole = Uint8Array.of(1, 2);
    const view = new Uint8Array(8).subarray(2, 4).fill(3);
    const shared = new Uint8Array(new SharedArrayBuffer(2)).fill(4);
    const sinking = here.sink(chunksOf(whole, view, shared));
    expect([...(await readAll(there.source))]).toEqual([1, 2, 3, 3, 4, 4]);
    await sinking;
    expect([whole, view, shared].map(({ byteLength }) => byteLength)).toEqual([0, 2, 2]);
  });

  it('fails with transport-overflow where the other side does not keep to its credit', async () => {
    const port = new WorkerEnd();
    const transport = messagePortTransport(port);
    const sinking = transport.sink(held().chunks);
    sinking.catch(() => {});
    for (let sent = 0; sent < 20; sent++) port.receive(named(new ArrayBuffer(65_536)));
    let read = 0;
    const reading = (async () => {
      for await (const { byteLength } of transport.source) read += byteLength;
    })();
    await expect(reading).rejects.toMatchObject({ code: 'transport-overflow' });
    expect(read).toBe(15 * 65_536);
    await expect(sinking).rejects.toMatchObject({ code: 'transport-overflow' });
    expect(countListeners([port], events)).toBe(0);
  });

  it('holds little, however small the messages are', async () => {
    const port = new WorkerEnd();
    const transport = messagePortTransport(port);
    for (let sent = 0; sent < 5000; sent++) port.receive(named(new ArrayBuffer(1)));
    await expect(readAll(transport.source)).rejects.toMatchObject({ code: 'transport-overflow' });
  });

  it.each([
    ['text', 'hello'],
    ['an object', { limit: 5 }],
    ['null', null],
    ['bytes in shared memory', new SharedArrayBuffer(5)],
    ['a view', new Uint8Array(5)],
    ['half a byte', 0.5],
    ['no number', Number.NaN],
  ])('fails with bad-message on %s under its name', async (_, content) => {
    const port = new WorkerEnd();
    const transport = messagePortTransport(port);
    port.receive(named(new ArrayBuffer(3)));
    port.receive(named(content));
    const read: number[] = [];
    const reading = (async () => {
      for await (const chunk of transport.source) read.push(chunk.byteLength);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'bad-message' });
    expect(read).toEqual([3]);
    expect(port.posted.at(-1)).toEqual(named('close'));
  });

  it('never gives up credit that it was granted, and none that a message takes back', async () => {
    const port = new WorkerEnd();
    const transport = messagePortTransport(port);
    port.receive(named(2000));
    port.receive(named(-5));
    port.receive(named(0));
    const sinking = transport.sink(chunksOf(new Uint8Array(3000)));
    await turn();
    const bytes = (data: unknown): number =>
      ((data as Record<string, unknown>)['hypercore-wire transport'] as ArrayBuffer).byteLength;
    expect(port.posted.map(bytes).filter(Boolean)).toEqual([2000 - 512]);
    transport.abort();
    expect(await settled(sinking)).toBe('rejected');
  });

  it('tells that a worker failed, behind what had come from it', async () => {
    const port = new WorkerEnd();
    const transport = messagePortTransport(port);
    port.receive(named(Uint8Array.of(9).buffer));
    const error = new Error('no such feed');
    port.dispatchEvent(Object.assign(new Event('error'), { message: error.message, error }));
    const reader = transport.source[Symbol.asyncIterator]();
    expect((await reader.next()).value).toEqual(Uint8Array.of(9));
    await expect(reader.next()).rejects.toMatchObject({
      code: 'transport',
      message: '[transport] the worker failed (no such feed): start it again',
      cause: error,
    });
  });

  it('tells of a script that does not load, and of a message that cannot be read', async () => {
    for (const [type, text] of [
      ['error', 'could not be loaded'],
      ['messageerror', 'could not be read'],
    ] as const) {
      const port = new WorkerEnd();
      const reading = readAll(messagePortTransport(port).source);
      port.dispatchEvent(new Event(type));
      await expect(reading).rejects.toMatchObject({
        code: 'transport',
        message: expect.stringContaining(text),
      });
    }
  });
});
