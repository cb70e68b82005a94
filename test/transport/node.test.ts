import { getEventListeners } from 'node:events';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/errors.ts';
import { deferred } from '../../src/stream/deferred.ts';
import type { Transport } from '../../src/stream/transport.ts';
import { dialTcp, listenTcp, nodeTransport } from '../../src/transport/node.ts';
import { chunksOf, type Ends, held, readAll, settled } from './contract.ts';
import { sockets } from './sockets.ts';
import { countListeners, transportContract } from './suite.ts';

/** Two Duplexes joined like a wire: destroying either destroys the other. */
function duplexes(): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex & { resume_?: (() => void) | undefined } => {
    const duplex: Duplex & { resume_?: (() => void) | undefined } = new Duplex({
      read() {
        const go = duplex.resume_;
        duplex.resume_ = undefined;
        go?.();
      },
      write(chunk, _, done) {
        const target = other() as typeof duplex;
        if (target.push(chunk)) done();
        else target.resume_ = done;
      },
      final(done) {
        other().push(null);
        done();
      },
      destroy(error, done) {
        other().destroy();
        done(error);
      },
    });
    return duplex;
  };
  const a: Duplex = make(() => b);
  const b: Duplex = make(() => a);
  return [a, b];
}

function ends(pair: readonly [Duplex, Duplex]): Ends {
  return {
    here: nodeTransport(pair[0]),
    there: nodeTransport(pair[1]),
    leftovers: () => countListeners(pair, ['error', 'close', 'data', 'finish']),
    vanish: () => void pair[1].destroy(),
  };
}

transportContract('nodeTransport over TCP', {
  async make() {
    return ends(await sockets());
  },
  // What a kernel buffers for a connection of its own machine.
  bufferedBytes: 33_554_432,
  onSlowReader: 'waits',
  readOnAbort: 'resolved',
});

transportContract('nodeTransport over a Duplex', {
  async make() {
    return ends(duplexes());
  },
  bufferedBytes: 262_144,
  onSlowReader: 'waits',
  readOnAbort: 'rejected',
});

describe('nodeTransport', () => {
  it('tells the reader and the writer of an error of the stream', async () => {
    const [duplex] = duplexes();
    const transport = nodeTransport(duplex);
    const reading = readAll(transport.source);
    const writing = transport.sink(held().chunks);
    reading.catch(() => {});
    writing.catch(() => {});
    const reason = new Error('the cable was cut');
    duplex.destroy(reason);
    await expect(reading).rejects.toBe(reason);
    await expect(writing).rejects.toBe(reason);
  });

  it('hands over chunks that no writer of the stream changes any more', async () => {
    const [duplex, other] = duplexes();
    const source = nodeTransport(duplex).source[Symbol.asyncIterator]();
    const reused = Buffer.of(1, 2, 3);
    other.write(reused);
    const { value } = await source.next();
    reused.fill(9);
    expect([...value]).toEqual([1, 2, 3]);
    duplex.destroy();
  });

  it('gives what was received before the stream failed, and then the error', async () => {
    const [duplex, other] = duplexes();
    const source = nodeTransport(duplex).source[Symbol.asyncIterator]();
    const first = source.next();
    const reason = new Error('the cable was cut');
    // Both are here before anybody reads the second.
    other.write(Buffer.of(1));
    other.write(Buffer.of(2));
    expect((await first).value).toEqual(Uint8Array.of(1));
    duplex.destroy(reason);
    await new Promise((resolve) => duplex.once('close', resolve));
    const rest: unknown[] = [];
    const end = await (async () => {
      for (let at = await source.next(); !at.done; at = await source.next()) rest.push(...at.value);
    })().catch((error: unknown) => error);
    expect(end).toBe(reason);
    expect([[], [2]]).toContainEqual(rest);
  });

  it('holds a chunk or two of what nobody reads, and stops the stream', async () => {
    const [duplex, other] = duplexes();
    const source = nodeTransport(duplex).source[Symbol.asyncIterator]();
    const first = source.next();
    for (let i = 0; i < 5; i++) other.write(Buffer.of(i));
    await first;
    await new Promise((resolve) => setImmediate(resolve));
    expect(duplex.isPaused()).toBe(true);
    for (let i = 1; i < 5; i++) expect((await source.next()).value).toEqual(Uint8Array.of(i));
    await source.return?.();
    expect(countListeners([duplex], ['data'])).toBe(0);
    duplex.destroy();
  });

  it('tells the reader of a connection that the remote resets', async () => {
    const [ours, theirs] = await sockets(true);
    const transport = nodeTransport(ours);
    const { chunks } = held();
    const reading = readAll(transport.source);
    const writing = transport.sink(
      (async function* () {
        yield new Uint8Array(1000);
        yield* chunks;
      })(),
    );
    reading.catch(() => {});
    writing.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
    // What was received and not read makes the system send a reset instead of an end.
    theirs.destroy();
    await expect(reading).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(await settled(writing)).toBe('rejected');
  });

  it('returns the chunks that it was given when it is aborted', async () => {
    const [duplex] = duplexes();
    const transport = nodeTransport(duplex);
    const { chunks, returned } = held();
    const writing = transport.sink(chunks);
    transport.abort();
    expect(await settled(writing)).toBe('rejected');
    expect(returned()).toBe(true);
  });

  it('aborts a socket that is still connecting', async () => {
    const socket = connect({ port: 9, host: '127.0.0.1' });
    const transport = nodeTransport(socket);
    const reading = readAll(transport.source);
    reading.catch(() => {});
    transport.abort();
    expect(await settled(reading)).toBe('rejected');
  });
});

describe('TCP', () => {
  it('listens on a free port, and carries bytes from a dial', async () => {
    const accepted: Transport[] = [];
    const server = await listenTcp(0, '127.0.0.1', (transport) => void accepted.push(transport));
    expect(server.port).toBeGreaterThan(0);
    expect(server.host).toBe('127.0.0.1');
    const transport = await dialTcp(server.port);
    const sinking = transport.sink(chunksOf(Uint8Array.of(1, 2)));
    while (accepted.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect([...(await readAll(accepted[0]!.source))]).toEqual([1, 2]);
    await accepted[0]!.sink(chunksOf());
    await readAll(transport.source);
    await sinking;
    await server.close();
    await expect(dialTcp(server.port)).rejects.toMatchObject({ code: 'transport' });
  });

  it('stops listening while what is connected stays', async () => {
    const accepting = deferred<Transport>();
    const server = await listenTcp(0, '127.0.0.1', (transport) => accepting.resolve(transport));
    const transport = await dialTcp(server.port);
    const theirs = await accepting.promise;
    const closing = server.close();
    await expect(dialTcp(server.port)).rejects.toMatchObject({ code: 'transport' });
    const answer = theirs.sink(chunksOf(Uint8Array.of(7)));
    expect([...(await readAll(transport.source))]).toEqual([7]);
    await answer;
    transport.abort();
    theirs.abort();
    expect(await settled(closing)).toBe('resolved');
    expect(await settled(server.close())).toBe('resolved');
  });

  it('says that nothing answers on a closed port', async () => {
    const server = await listenTcp(0, '127.0.0.1', () => {});
    await server.close();
    const error = await dialTcp(server.port).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ code: 'transport' });
    expect(String(error)).toContain(`cannot connect to 127.0.0.1:${server.port} (ECONNREFUSED)`);
  });

  it('rejects a listen on a port in use', async () => {
    const server = await listenTcp(0, '127.0.0.1', () => {});
    await expect(listenTcp(server.port, '127.0.0.1', () => {})).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await server.close();
  });

  it('ends a dial when its signal aborts, before or meanwhile, and leaves no listener on it', async () => {
    const server = await listenTcp(0, '127.0.0.1', (transport) => transport.abort());
    await expect(dialTcp(server.port, '127.0.0.1', AbortSignal.abort('before'))).rejects.toBe('before');
    const controller = new AbortController();
    const dialing = dialTcp(server.port, '127.0.0.1', controller.signal);
    controller.abort('meanwhile');
    await expect(dialing).rejects.toBe('meanwhile');
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    const { signal } = new AbortController();
    (await dialTcp(server.port, '127.0.0.1', signal)).abort();
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    await server.close();
  });
});
