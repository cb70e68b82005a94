import type { Socket } from 'node:net';
import { PassThrough, pipeline, Readable, Writable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { type WebStreams, webStreamsTransport } from '../../src/transport/web-streams.ts';
import { chunksOf, held, readAll, settled } from './contract.ts';
import { sockets } from './sockets.ts';
import { streamPair } from './stream-pair.ts';
import { transportContract } from './suite.ts';

transportContract('webStreamsTransport over TransformStreams', {
  make: async () => streamPair(webStreamsTransport),
  // One chunk that each of the two streams holds, and one that waits.
  bufferedBytes: 262_144,
  onSlowReader: 'waits',
  readOnAbort: 'rejected',
});

/** The streams of a TCP socket, each on its own: those of `Duplex.toWeb` end only once both have. */
function web(socket: Socket): WebStreams {
  const [incoming, outgoing] = [new PassThrough(), new PassThrough()];
  pipeline(socket, incoming, () => {});
  pipeline(outgoing, socket, () => {});
  // Node would count chunks, and hold 16384 of them.
  const strategy = new ByteLengthQueuingStrategy({ highWaterMark: 65_536 });
  return { readable: Readable.toWeb(incoming, { strategy }), writable: Writable.toWeb(outgoing) };
}

transportContract('webStreamsTransport over TCP', {
  async make() {
    const pair = await sockets();
    const streams = pair.map(web) as [WebStreams, WebStreams];
    return {
      here: webStreamsTransport(streams[0]),
      there: webStreamsTransport(streams[1]),
      leftovers: () => streams.flatMap(Object.values).filter(({ locked }) => locked).length,
      vanish: () => void pair[1].destroy(),
    };
  },
  // What a kernel buffers for a connection of its own machine.
  bufferedBytes: 33_554_432,
  onSlowReader: 'waits',
  readOnAbort: 'resolved',
});

describe('webStreamsTransport', () => {
  const writable = (): WebStreams['writable'] => new WritableStream();
  const readableOf = (...chunks: unknown[]): ReadableStream =>
    new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk);
        controller.close();
      },
    });

  it('refuses what is no stream, and one that somebody else reads or writes', () => {
    const streams = { readable: readableOf(), writable: writable() };
    expect(() => webStreamsTransport({ ...streams, readable: 5 } as never)).toThrow(
      new TypeError('"readable" expected a stream of bytes that is not locked, got number 5'),
    );
    expect(() => webStreamsTransport({ readable: readableOf() } as never)).toThrow('"writable" expected');
    expect(() => webStreamsTransport(null as never)).toThrow(
      '"streams" expected { readable, writable }, got null',
    );
    streams.readable.getReader();
    expect(() => webStreamsTransport(streams)).toThrow('"readable" expected');
  });

  it('refuses chunks that are no bytes, and cancels the stream', async () => {
    const readable = readableOf(Uint8Array.of(1), 'text', Uint8Array.of(2));
    const transport = webStreamsTransport({ readable, writable: writable() });
    const read: unknown[] = [];
    const reading = (async () => {
      for await (const chunk of transport.source) read.push(chunk);
    })();
    await expect(reading).rejects.toThrow(
      new TypeError('"readable" expected chunks of Uint8Array, got string "text"'),
    );
    expect(read).toEqual([Uint8Array.of(1)]);
    await vi.waitUntil(() => !readable.locked);
  });

  it('gives the reason of an abort to both streams', async () => {
    const [cancel, abort] = [vi.fn(), vi.fn()];
    const transport = webStreamsTransport({
      readable: new ReadableStream({ cancel }),
      writable: new WritableStream({ abort }),
    });
    const reason = new Error('enough');
    const reading = readAll(transport.source);
    transport.abort(reason);
    await expect(reading).rejects.toBe(reason);
    expect(cancel).toHaveBeenCalledExactlyOnceWith(reason);
    expect(abort).toHaveBeenCalledExactlyOnceWith(reason);
  });

  it('tells a writer that waits for its next chunk that the remote takes nothing more', async () => {
    let fail!: (reason: unknown) => void;
    const transport = webStreamsTransport({
      readable: new ReadableStream(),
      writable: new WritableStream({ start: (controller) => void (fail = (e) => controller.error(e)) }),
    });
    const { chunks, returned } = held();
    const sinking = transport.sink(chunks);
    const reason = new Error('stop sending');
    fail(reason);
    await expect(sinking).rejects.toBe(reason);
    expect(returned()).toBe(true);
  });

  it('waits for each chunk to be taken, also where the stream would take thousands', async () => {
    let taken = 0;
    let pulled = 0;
    const go: (() => void)[] = [];
    const transport = webStreamsTransport({
      readable: new ReadableStream(),
      writable: new WritableStream(
        { write: () => new Promise<void>((resolve) => void go.push(() => resolve(void taken++))) },
        { highWaterMark: 16_384 },
      ),
    });
    const sinking = transport.sink(
      (async function* () {
        for (; pulled < 5; pulled++) yield Uint8Array.of(pulled);
      })(),
    );
    while (taken < 5) {
      await vi.waitUntil(() => go.length > 0);
      expect(pulled).toBe(taken);
      go.shift()!();
      await settled(Promise.resolve());
    }
    await sinking;
  });

  it('skips empty chunks, which a stream of bytes refuses', async () => {
    const pair = streamPair(webStreamsTransport);
    const sinking = pair.here.sink(chunksOf(new Uint8Array(0), Uint8Array.of(1), new Uint8Array(0)));
    expect([...(await readAll(pair.there.source))]).toEqual([1]);
    await sinking;
  });
});
