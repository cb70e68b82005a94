import { getEventListeners, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { equals } from 'uint8arrays/equals';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { ProtocolError } from '../../src/errors.ts';
import { deferred } from '../../src/stream/deferred.ts';
import type { Transport } from '../../src/stream/transport.ts';
import {
  dialWebSocket,
  type Listener,
  type ListenWebSocketOptions,
  listenWebSocket,
} from '../../src/transport/node.ts';
import {
  acceptsOrigin,
  dialWebSocket as dialAnywhere,
  type WebSocketLike,
  webSocketTransport,
} from '../../src/transport/websocket.ts';
import { FakeClock } from '../fake-clock.ts';
import { chunksOf, type Ends, held, readAll, settled } from './contract.ts';
import { countListeners, transportContract } from './suite.ts';

const EVENTS = ['open', 'message', 'error', 'close'];

/** A client and the server's side of it, over the loopback. */
async function sockets(): Promise<[client: WebSocket, served: WebSocket]> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', clientTracking: false });
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [served] = (await accepted) as [WebSocket];
  server.close();
  return [client, served];
}

function ends(here: WebSocket, there: WebSocket): Ends {
  return {
    here: webSocketTransport(here),
    there: webSocketTransport(there),
    leftovers: () => countListeners([here, there], EVENTS),
    vanish: () => (there as unknown as { _socket: Socket })._socket.destroy(),
  };
}

const common = {
  // What the kernel buffers, and what both sides do.
  bufferedBytes: 33_554_432,
  onSlowReader: 'waits',
  readOnAbort: 'rejected',
} as const;

transportContract('webSocketTransport, the client of `ws` to its server,', {
  make: async () => ends(...(await sockets())),
  ...common,
});

transportContract('webSocketTransport, the server of `ws` to its client,', {
  async make() {
    const [client, served] = await sockets();
    return ends(served, client);
  },
  ...common,
});

/** Two ends by what the package gives: a client that dials, and what a listener hands out. */
async function connected(options: ListenWebSocketOptions = {}): Promise<{
  client: WebSocket;
  transport: Transport;
}> {
  const accepted = deferred<Transport>();
  const listener = await listen((transport) => accepted.resolve(transport), options);
  const client = new WebSocket(urlOf(listener));
  const transport = await accepted.promise;
  await once(client, 'open');
  return { client, transport };
}

const listeners: Listener[] = [];
const servers: Server[] = [];

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close()));
  for (const server of servers.splice(0)) server.close();
});

async function listen(
  onTransport: (transport: Transport) => void,
  options: ListenWebSocketOptions = {},
): Promise<Listener> {
  const made: Transport[] = [];
  const listener = await listenWebSocket(
    0,
    '127.0.0.1',
    (transport) => {
      made.push(transport);
      onTransport(transport);
    },
    options,
  );
  listeners.push({
    ...listener,
    close() {
      for (const transport of made) transport.abort();
      return listener.close();
    },
  });
  return listener;
}

function urlOf({ host, port }: Listener): string {
  return `ws://${host}:${port}`;
}

/** A TCP server that does what `onSocket` does; its port. */
async function rawServer(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    onSocket(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function fault(promise: Promise<unknown>): Promise<ProtocolError> {
  return promise.then(
    () => expect.unreachable('it should have failed'),
    (error: ProtocolError) => error,
  );
}

/** The code and the reason that the remote is told. */
async function closeOf(client: WebSocket): Promise<[number, string]> {
  const [code, reason] = await once(client, 'close');
  return [code, String(reason)];
}

describe('a WebSocket whose remote misbehaves', () => {
  it('sends text: dialect, and it is told', async () => {
    const { client, transport } = await connected();
    client.send(Uint8Array.of(1, 2));
    client.send('hello');
    const told = closeOf(client);
    const chunks: Uint8Array[] = [];
    const reading = (async () => {
      for await (const chunk of transport.source) chunks.push(chunk);
    })();
    expect(await fault(reading)).toMatchObject({ code: 'dialect', message: expect.stringContaining('text') });
    expect(await fault(transport.sink(held().chunks))).toMatchObject({ code: 'dialect' });
    // What came before it is not lost.
    expect(chunks).toEqual([Uint8Array.of(1, 2)]);
    expect(await told).toEqual([4000, 'dialect']);
  });

  it('announces a message of 1 GiB: transport-overflow, before any of it is there', async () => {
    const { client, transport } = await connected();
    const header = Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4]);
    (client as unknown as { _socket: Socket })._socket.write(header);
    expect(await fault(readAll(transport.source))).toMatchObject({ code: 'transport-overflow' });
  });

  it('sends a message over `queueBytes`, to a server or a client: transport-overflow', async () => {
    const { client, transport } = await connected({ queueBytes: 1000 });
    client.send(new Uint8Array(1001));
    expect(await fault(readAll(transport.source))).toMatchObject({ code: 'transport-overflow' });

    const listener = await listen(
      (served) => void served.sink(chunksOf(new Uint8Array(1001))).catch(() => {}),
    );
    const dialed = await dialWebSocket(urlOf(listener), { queueBytes: 1000 });
    expect(await fault(readAll(dialed.source))).toMatchObject({ code: 'transport-overflow' });
  });

  it('goes on after its end: bad-message, for who still writes', async () => {
    const { client, transport } = await connected();
    for (const bytes of [[], [], [1]]) client.send(Uint8Array.from(bytes));
    expect((await readAll(transport.source)).byteLength).toBe(0);
    expect(await fault(transport.sink(held().chunks))).toMatchObject({ code: 'bad-message' });
  });

  it.each([
    [1000, 'an end'],
    [1001, 'an end'],
    [undefined, 'an end'],
    [1011, 'the WebSocket was closed (1011, why): reconnect'],
    [4000, 'the WebSocket was closed (4000, why): reconnect'],
  ])('closes with %s: %s', async (code, outcome) => {
    const { client, transport } = await connected();
    client.send(Uint8Array.of(7));
    client.close(code, code === undefined ? undefined : 'why');
    const { chunks, returned } = held();
    const sinking = transport.sink(chunks);
    sinking.catch(() => {});
    if (outcome === 'an end') {
      expect([...(await readAll(transport.source))]).toEqual([7]);
      // It takes nothing more, which is no fault.
      expect(await settled(sinking)).toBe('resolved');
      expect(returned()).toBe(true);
    } else {
      const error = await fault(readAll(transport.source));
      expect(error).toMatchObject({ code: 'transport', reason: outcome });
      expect(await fault(sinking)).toBe(error);
    }
  });
});

describe('dialWebSocket', () => {
  it('says why it does not connect', async () => {
    const hangsUp = await rawServer((socket) => socket.once('data', () => socket.destroy()));
    const refuses = await rawServer((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n')),
    );
    const noHttp = await rawServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'));
    const closed = await listen(() => {});
    await closed.close();
    for (const [port, reason] of [
      [closed.port, `(connect ECONNREFUSED 127.0.0.1:${closed.port})`],
      [hangsUp, '(socket hang up)'],
      [refuses, '(Unexpected server response: 403)'],
      [noHttp, '(Parse Error: Expected HTTP/, RTSP/ or ICE/)'],
    ] as const) {
      const url = `ws://127.0.0.1:${port}`;
      expect(await fault(dialWebSocket(url))).toMatchObject({
        code: 'transport',
        reason: `cannot connect to ${url} ${reason}: check the url, and that a peer listens there`,
      });
    }
  });

  it('says so in one line, and in a page that its origin may be what is refused', async () => {
    const failing = (event: object) =>
      class {
        readyState = 0;
        bufferedAmount = 0;
        binaryType = '';
        send(): void {}
        close(): void {}
        removeEventListener(): void {}
        addEventListener(type: string, listener: (event: object) => void): void {
          if (type === 'error') queueMicrotask(() => listener(event));
        }
      };
    const dial = async (event: object): Promise<string> =>
      (await fault(dialAnywhere('ws://a.example', { WebSocket: failing(event) }))).message;
    const cannot = '[transport] cannot connect to ws://a.example';
    expect(await dial({ error: new Error('80DB:error:wrong version number:\n') })).toBe(
      `${cannot} (80DB:error:wrong version number:): check the url, and that a peer listens there`,
    );
    expect(await dial({})).toBe(`${cannot}: check the url, and that a peer listens there`);
    vi.stubGlobal('origin', 'https://app.example');
    try {
      expect(await dial({})).toBe(
        `${cannot}: check the url, that a peer listens there, and that it lets pages of this origin (https://app.example) connect`,
      );
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('names a url that is none', async () => {
    for (const url of ['hello', 'tcp://127.0.0.1:1', 'ws://']) {
      const error = await fault(dialWebSocket(url));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toBe(`"url" expected a ws:// or wss:// url, got string "${url}"`);
    }
    await expect(dialWebSocket('ws://127.0.0.1:1', { queueBytes: 0 })).rejects.toThrow(RangeError);
  });

  it('ends when its signal aborts, before or meanwhile, and leaves nothing behind', async () => {
    const sockets: WebSocket[] = [];
    class Seen extends WebSocket {
      constructor(url: string) {
        super(url);
        sockets.push(this);
      }
    }
    const silent = await rawServer((socket) => void socket.resume());
    const url = `ws://127.0.0.1:${silent}`;
    await expect(dialWebSocket(url, { signal: AbortSignal.abort('before') })).rejects.toBe('before');
    const controller = new AbortController();
    const dialing = dialAnywhere(url, { WebSocket: Seen, signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 50));
    controller.abort('meanwhile');
    await expect(dialing).rejects.toBe('meanwhile');
    await new Promise((resolve) => sockets[0]!.addEventListener('close', resolve, { once: true }));
    expect(countListeners(sockets, EVENTS)).toBe(0);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it('needs a WebSocket where the runtime has none', async () => {
    vi.stubGlobal('WebSocket', undefined);
    try {
      await expect(dialAnywhere('ws://127.0.0.1:1')).rejects.toThrow(/"WebSocket" expected a constructor/);
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe('listenWebSocket', () => {
  it('carries bytes from a dial, and stays for what is connected when it stops listening', async () => {
    const accepted = deferred<Transport>();
    const listener = await listenWebSocket(0, '127.0.0.1', (transport) => accepted.resolve(transport));
    const ours = await dialWebSocket(`${urlOf(listener)}/any/path?and=query`);
    const theirs = await accepted.promise;
    let isClosed = false;
    const closing = listener.close().then(() => {
      isClosed = true;
    });
    expect(await fault(dialWebSocket(urlOf(listener)))).toMatchObject({ code: 'transport' });
    const sent = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);
    const [read] = await Promise.all([
      readAll(theirs.source),
      ours.sink(chunksOf(sent)),
      theirs.sink(chunksOf()),
    ]);
    expect(
      equals(
        read,
        Uint8Array.from({ length: 300_000 }, (_, i) => i % 251),
      ),
    ).toBe(true);
    expect(isClosed).toBe(false);
    await readAll(ours.source);
    await closing;
    await listener.close();
  });

  it('accepts what is no page, pages of this machine, and those that are named', async () => {
    const errors: Error[] = [];
    const origins = ['https://app.example'];
    const listener = await listen(() => {}, { origins, onError: (error) => errors.push(error) });
    const outcome = async (origin?: string): Promise<string> => {
      const client = new WebSocket(urlOf(listener), origin === undefined ? {} : { origin });
      return new Promise((resolve) => {
        client.once('open', () => {
          client.terminate();
          resolve('open');
        });
        client.once('error', (error) => resolve(error.message));
      });
    };
    for (const origin of [undefined, 'http://localhost:5173', 'http://[::1]:1', 'https://app.example']) {
      expect(await outcome(origin)).toBe('open');
    }
    expect(errors).toEqual([]);
    expect(await outcome('https://evil.example')).toBe('Unexpected server response: 403');
    expect(errors.map(String)).toEqual([expect.stringContaining('https://evil.example may not connect')]);
  });

  it('tells who is no WebSocket what this is', async () => {
    const errors: Error[] = [];
    const listener = await listen(() => {}, { onError: (error) => errors.push(error) });
    const response = await fetch(`http://127.0.0.1:${listener.port}/`);
    expect(response.status).toBe(426);
    expect(await response.text()).toMatch(/Hypercore 6 protocol over WebSocket/);
    expect(errors).toEqual([]);

    for (const said of [
      'not http at all\r\n\r\n',
      'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n',
    ]) {
      const socket = connect({ port: listener.port, host: '127.0.0.1' });
      socket.write(said);
      let answer = '';
      for await (const chunk of socket) answer += chunk;
      expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request/);
    }
    expect(errors).toHaveLength(2);
  });

  it('does not wait for a request that never ends when it closes', async () => {
    const listener = await listenWebSocket(0, '127.0.0.1', () => {});
    const socket = connect({ port: listener.port, host: '127.0.0.1' });
    socket.on('error', () => {}).write('GET / HTTP/1.1\r\n');
    await once(socket, 'connect');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await settled(listener.close())).toBe('resolved');
  });

  it('rejects a port in use, and options that make no sense', async () => {
    await expect(listenWebSocket(0, '127.0.0.1', () => {}, { queueBytes: 0 })).rejects.toThrow(RangeError);
    const { port } = await listen(() => {});
    await expect(listenWebSocket(port, '127.0.0.1', () => {})).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

/** A WebSocket whose every state and event is the test's to choose. */
class ScriptedSocket extends EventTarget implements WebSocketLike {
  readyState = 1;
  bufferedAmount = 0;
  binaryType = 'blob';
  readonly sent: Uint8Array[] = [];
  readonly closes: [code?: number, reason?: string][] = [];

  send(data: Uint8Array): void {
    this.sent.push(data);
  }

  close(...how: [code?: number, reason?: string]): void {
    this.readyState = 2;
    this.closes.push(how);
  }

  says(type: string, fields: object = {}): void {
    this.dispatchEvent(Object.assign(new Event(type), fields));
  }
}

describe('webSocketTransport', () => {
  it('listens while it is in use', async () => {
    const { here, there, leftovers } = ends(...(await sockets()));
    expect(leftovers!()).toBe(2 * EVENTS.length);
    for (const side of [here, there]) side.abort();
  });

  it('sends what fits, waits by the clock until the socket has sent, and leaves no timer behind', async () => {
    const clock = new FakeClock();
    const socket = new ScriptedSocket();
    const transport = webSocketTransport(socket, { clock });
    expect(socket.binaryType).toBe('arraybuffer');
    socket.bufferedAmount = 262_144;
    const sinking = transport.sink(chunksOf(new Uint8Array(100_000)));
    await clock.advance(1000);
    expect(socket.sent).toEqual([]);
    socket.bufferedAmount = 0;
    await clock.advance(20);
    expect(socket.sent.map(({ byteLength }) => byteLength)).toEqual([0, 65_536, 34_464, 0]);
    await sinking;
    socket.says('message', { data: new ArrayBuffer(0) });
    expect(socket.closes).toEqual([]);
    socket.says('message', { data: new ArrayBuffer(0) });
    expect(socket.closes).toEqual([[1000, '']]);
    expect(clock.pending).toBe(0);
  });

  it('looks again whenever it receives: the timers of a hidden page are slow', async () => {
    const socket = new ScriptedSocket();
    const transport = webSocketTransport(socket, { clock: new FakeClock() });
    socket.bufferedAmount = 262_144;
    transport.sink(chunksOf(Uint8Array.of(1))).catch(() => {});
    await Promise.resolve();
    socket.bufferedAmount = 0;
    socket.says('message', { data: Uint8Array.of(1).buffer });
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(socket.sent).toEqual([Uint8Array.of(), Uint8Array.of(1), Uint8Array.of()]);
    transport.abort();
  });

  it('fails with what the socket throws, and returns the chunks', async () => {
    const socket = new ScriptedSocket();
    const reason = new Error('the buffer is full');
    socket.send = () => {
      throw reason;
    };
    const transport = webSocketTransport(socket);
    const { chunks, returned } = held();
    const first = chunksOf(Uint8Array.of(1));
    const iterator = {
      next: () => first.next().then((r) => (r.done ? chunks[Symbol.asyncIterator]().next() : r)),
      return: () => chunks[Symbol.asyncIterator]().return!(),
    };
    await expect(transport.sink({ [Symbol.asyncIterator]: () => iterator })).rejects.toBe(reason);
    expect(returned()).toBe(true);
    await expect(readAll(transport.source)).rejects.toBe(reason);
    expect(socket.closes).toEqual([[4000, 'aborted']]);
  });

  it('fails on a socket that is closed already, and where its binaryType was changed', async () => {
    const closed = Object.assign(new ScriptedSocket(), { readyState: 3 });
    expect(await fault(readAll(webSocketTransport(closed).source))).toMatchObject({
      code: 'transport',
      reason: 'the WebSocket was closed (it was closed already): reconnect',
    });
    const socket = new ScriptedSocket();
    const transport = webSocketTransport(socket);
    socket.says('message', { data: new Blob(['x']) });
    await expect(readAll(transport.source)).rejects.toThrow(/"binaryType"/);
  });

  it('keeps what was received before a failure, and fails the writer', async () => {
    const socket = new ScriptedSocket();
    const transport = webSocketTransport(socket);
    socket.says('message', { data: Uint8Array.of(1, 2, 3).buffer });
    const sinking = fault(transport.sink(held().chunks));
    socket.says('error');
    socket.says('close', { code: 1006, reason: '' });
    const error = await sinking;
    expect(error).toMatchObject({ code: 'transport', reason: 'the WebSocket failed: reconnect' });
    const reader = transport.source[Symbol.asyncIterator]();
    expect((await reader.next()).value).toEqual(Uint8Array.of(1, 2, 3));
    await expect(reader.next()).rejects.toBe(error);
  });

  it('closes at its end where the remote knows no end message, and takes an empty one of it for nothing', async () => {
    const socket = new ScriptedSocket();
    const transport = webSocketTransport(socket);
    for (const bytes of [[1], [], [2], []]) socket.says('message', { data: Uint8Array.from(bytes).buffer });
    await transport.sink(chunksOf(Uint8Array.of(3)));
    expect(socket.closes).toEqual([[1000, '']]);
    expect([...(await readAll(transport.source))]).toEqual([1, 2]);
  });

  it('lets go properly once it has ended itself, also of a remote that never ends', async () => {
    const socket = new ScriptedSocket();
    const transport = webSocketTransport(socket);
    await transport.sink(chunksOf(Uint8Array.of(1)));
    transport.abort();
    expect(socket.closes).toEqual([[1000, '']]);
  });
});

describe('acceptsOrigin', () => {
  it.each([
    [undefined, true],
    [null, true],
    ['http://localhost', true],
    ['https://localhost:8443', true],
    ['http://127.0.0.1:3000', true],
    ['http://[::1]:3000', true],
    ['null', false],
    ['https://evil.example', false],
    ['http://localhost.evil.example', false],
    ['http://evil.example:8080', false],
    ['http://127.0.0.1.evil.example', false],
    ['file://localhost', false],
    ['chrome-extension://localhost', false],
  ])('%s: %s', (origin, accepted) => {
    expect(acceptsOrigin(origin)).toBe(accepted);
    expect(acceptsOrigin(origin, ['*'])).toBe(true);
    expect(acceptsOrigin(origin, [origin ?? '*'])).toBe(true);
  });

  it.each([
    '',
    'http://localhost@evil.example',
    'http://evil.example/http://localhost',
    'https://',
    'app.example',
  ])('of no page, or of no list: "%s"', (origin) => {
    expect(acceptsOrigin(origin)).toBe(false);
    expect(() => acceptsOrigin(origin, [origin])).toThrow(RangeError);
  });

  it('names them as a browser does', () => {
    const listed = ['HTTPS://App.Example:443/', 'http://bücher.example:8080'];
    expect(acceptsOrigin('https://app.example', listed)).toBe(true);
    expect(acceptsOrigin('http://xn--bcher-kva.example:8080', listed)).toBe(true);
    expect(acceptsOrigin('https://app.example:444', listed)).toBe(false);
  });

  it.each<[unknown, string]>([
    ['https://app.example.org', 'TypeError: "origins" expected a list, as in [\'https://app.example\'], or'],
    [new Set(['*']), 'TypeError: "origins" expected a list'],
    [[/example/], 'TypeError: "origins" expected where pages come from'],
    [['https://app.example/path'], 'RangeError: "origins" expected where pages come from, as in https://'],
    [['app.example'], 'RangeError: "origins" expected where pages come from'],
  ])('and listenWebSocket refuse %s as origins', async (origins, message) => {
    const wrong = origins as string[];
    // By substring, the first of these would let the second in.
    expect(() => acceptsOrigin('https://app.example', wrong)).toThrow();
    const listening = listenWebSocket(0, '127.0.0.1', () => {}, { origins: wrong });
    expect(String(await fault(listening))).toContain(message);
  });
});
