/** Chromium's WebSocket: the contract, and what a server can do to a page. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { listenWebSocket } from 'hypercore-wire/transport/node';
import { type WebSocket, WebSocketServer } from 'ws';
import { contract } from '../transport/contract.ts';
import { expect, test } from './test.ts';

const closes: (() => unknown)[] = [];

test.afterAll(async () => {
  for (const close of closes.splice(0)) await close();
});

test.beforeEach(({ page }) => page.goto('index.html'));

async function webSocketServer(onSocket: (socket: WebSocket) => void): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => onSocket(socket.on('error', () => {})));
  await once(server, 'listening');
  closes.push(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A TCP server that does what `onSocket` does with the request of a WebSocket. */
async function tcpServer(onSocket: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => {}).once('data', () => onSocket(socket)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closes.push(() => server.close());
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Hands on what comes, no faster than the other takes it. Text hangs up without a close. */
function join(from: WebSocket, to: WebSocket): void {
  from.on('message', (data: Buffer, isBinary) => {
    if (!isBinary) return from.terminate();
    if (to.bufferedAmount > 262_144) from.pause();
    to.send(data, () => from.resume());
  });
  from.on('close', (code, reason) => {
    if (code === 1006) to.terminate();
    else to.close(code === 1005 ? undefined : code, reason);
  });
  from.resume();
}

let waiting: WebSocket | undefined;
let pairing: string;
let echo: string;

test.beforeAll(async () => {
  pairing = await webSocketServer((socket) => {
    const other = waiting;
    waiting = other === undefined ? socket : undefined;
    if (other === undefined) return socket.pause();
    join(socket, other);
    join(other, socket);
  });
  const listener = await listenWebSocket(0, '127.0.0.1', (transport) => {
    transport.sink(transport.source).catch(() => {});
  });
  closes.push(() => listener.close());
  echo = `ws://127.0.0.1:${listener.port}`;
});

test.describe("Chromium's WebSocket keeps the contract of Transport", () => {
  for (const { name } of contract) {
    test(name, async ({ page }) => {
      await page.evaluate(([name, url]) => scenarios.webSocketCase(name, url), [name, pairing] as const);
    });
  }
});

test('what a page sends to listenWebSocket comes back whole, after its end too', async ({ page }) => {
  await page.evaluate((url) => scenarios.webSocketEcho(url, 16), echo);
});

test('what a server does wrong is told', async ({ page }) => {
  const faultOf = (url: string): Promise<string> =>
    page.evaluate((url) => scenarios.webSocketFault(url), url);
  const unreachable = (url: string): string =>
    `[transport] cannot connect to ${url}: check the url, that a peer listens there, and that it lets pages of this origin (${new URL(page.url()).origin}) connect`;

  const refused = await tcpServer((socket) =>
    socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'),
  );
  const hungUp = await tcpServer((socket) => socket.destroy());
  for (const url of ['ws://127.0.0.1:1', refused, hungUp]) expect(await faultOf(url)).toBe(unreachable(url));

  const text = await webSocketServer((socket) => socket.send('hello'));
  expect(await faultOf(text)).toMatch(/^\[dialect\] the remote sent text/);
  // Chromium has it in memory as a whole; it goes no further.
  const large = await webSocketServer((socket) => socket.send(new Uint8Array(17_000_000)));
  expect(await faultOf(large)).toMatch(
    /^\[transport-overflow\] .*bytes that were not read yet, over the cap/,
  );
  const closed = await webSocketServer((socket) => socket.close(1011, 'out of order'));
  expect(await faultOf(closed)).toMatch(/^\[transport\] the WebSocket was closed \(1011, out of order\)/);
  const cut = await webSocketServer((socket) => setTimeout(() => socket.terminate(), 100));
  expect(await faultOf(cut)).toMatch(/^\[transport\] the WebSocket (failed|was closed \(without a word\))/);
  const left = await webSocketServer((socket) => socket.close(1001));
  expect(await faultOf(left)).toBe('ended');

  expect(await faultOf('tcp://127.0.0.1:1')).toMatch(/^TypeError: "url" expected a ws:\/\/ or wss:\/\/ url/);
});

test('a page that is not of this machine may not connect, unless its origin is named', async ({
  context,
}) => {
  // Without it, Chromium lets no page of elsewhere connect to this machine at all.
  await context.grantPermissions(['local-network-access']);
  const errors: string[] = [];
  const origins = ['https://named.example'];
  const { port, close } = await listenWebSocket(
    0,
    '127.0.0.1',
    (transport) => void transport.sink(transport.source).catch(() => {}),
    { origins, onError: (error) => errors.push(error.message) },
  );
  closes.push(close);
  const from = async (site: string): Promise<string> => {
    const page = await context.newPage();
    // The site's own files, from where they are not.
    await page.route(`${site}/**`, async (route) => {
      const { pathname } = new URL(route.request().url());
      await route.fulfill({ response: await route.fetch({ url: process.env.SITE + pathname }) });
    });
    await page.goto(`${site}/index.html`);
    return page.evaluate((url) => scenarios.webSocketFault(url), `ws://127.0.0.1:${port}`);
  };
  expect(await from('https://evil.example')).toMatch(/^\[transport\] cannot connect/);
  expect(errors).toEqual([expect.stringContaining('https://evil.example may not connect')]);
  expect(await from('https://named.example')).toBe('ended');
});
