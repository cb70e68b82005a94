/** hypercore 7.7.1 as the other side of a TCP connection, with promises in place of callbacks. */
import { createRequire } from 'node:module';
import { createServer, connect as dialSocket, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Transport } from '../../src/index.ts';
import { dialTcp, listenTcp } from '../../src/transport/node.ts';

type Done<T> = (error: Error | null, value?: T) => void;

/** What is used of hypercore's feed. */
export interface Hypercore extends NodeJS.EventEmitter {
  readonly length: number;
  readonly byteLength: number;
  readonly key: Buffer;
  readonly secretKey: Buffer;
  readonly writable: boolean;
  readonly peers: readonly unknown[];
  has(start: number, end?: number): boolean;
  downloaded(start?: number, end?: number): number;
  ready(done: Done<void>): void;
  append(blocks: Buffer | Buffer[], done: Done<number>): void;
  get(block: number, options: { wait?: boolean }, done: Done<Buffer>): void;
  seek(
    bytes: number,
    options: object,
    done: (error: Error | null, index: number, offset: number) => void,
  ): void;
  update(options: object, done: Done<void>): void;
  download(range: { start: number; end: number }, done: Done<void>): unknown;
  clear(start: number, end: number, done: Done<void>): void;
  audit(done: Done<{ valid: number; invalid: number }>): void;
  extension(name: string, message: Buffer): void;
  close(done: Done<void>): void;
  replicate(options: ReplicateOptions): ProtocolStream;
}

export interface ReplicateOptions {
  live?: boolean;
  ack?: boolean;
  encrypt?: boolean;
  download?: boolean;
  upload?: boolean;
  timeout?: number;
  expectedFeeds?: number;
  extensions?: string[];
  stream?: ProtocolStream;
}

export interface ProtocolStream extends Duplex {
  readonly remoteLive: boolean;
}

const require = createRequire(import.meta.url);
const hypercore: (place: unknown, key?: Buffer, options?: object) => Hypercore = require('hypercore');
const randomAccessMemory: () => unknown = require('random-access-memory');

/** A hypercore in memory, or in a folder. */
export async function openHypercore(
  options: { key?: Uint8Array; folder?: string; sparse?: boolean; extensions?: string[] } = {},
): Promise<Hypercore> {
  const { key, folder, ...rest } = options;
  const feed = hypercore(folder ?? (() => randomAccessMemory()), key && Buffer.from(key), rest);
  await promise<void>((done) => feed.ready(done));
  return feed;
}

/** Calls what takes a callback. */
export function promise<T>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value as T)));
  });
}

export function append(feed: Hypercore, blocks: readonly Uint8Array[]): Promise<number> {
  return promise((done) =>
    feed.append(
      blocks.map((block) => Buffer.from(block)),
      done,
    ),
  );
}

export function get(feed: Hypercore, block: number): Promise<Buffer> {
  return promise((done) => feed.get(block, {}, done));
}

export function seek(feed: Hypercore, bytes: number): Promise<{ index: number; offset: number }> {
  return new Promise((resolve, reject) => {
    feed.seek(bytes, {}, (error, index, offset) => (error ? reject(error) : resolve({ index, offset })));
  });
}

/** Resolves with the arguments of the next event that `matches`. */
export function event<T extends unknown[]>(
  emitter: NodeJS.EventEmitter,
  name: string,
  matches: (...args: T) => boolean = () => true,
): Promise<T> {
  return new Promise((resolve) => {
    const listener = (...args: unknown[]): void => {
      if (!matches(...(args as T))) return;
      emitter.off(name, listener);
      resolve(args as T);
    };
    emitter.on(name, listener);
  });
}

/** A TCP connection: our end of it, and hypercore's. `dialer` is who dials. */
export async function tcp(dialer: 'ours' | 'theirs' = 'ours'): Promise<[Transport, Socket]> {
  if (dialer === 'theirs') {
    let accept: (transport: Transport) => void;
    const accepted = new Promise<Transport>((resolve) => {
      accept = resolve;
    });
    const listener = await listenTcp(0, '127.0.0.1', (transport) => accept(transport));
    const socket = dialSocket({ port: listener.port, host: '127.0.0.1' });
    const transport = await accepted;
    void listener.close();
    return [transport, socket];
  }
  const server = createServer();
  const accepted = event<[Socket]>(server, 'connection');
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const transport = await dialTcp(port);
  const [socket] = await accepted;
  server.close();
  return [transport, socket];
}

/** Runs hypercore's stream over its end of a connection. Resolves when it has closed, with what went wrong. */
export function run(socket: Duplex, stream: ProtocolStream): Promise<Error | undefined> {
  return new Promise((resolve) => {
    let failure: Error | undefined;
    socket.on('error', () => {});
    stream.on('error', (error: Error) => {
      failure = error;
    });
    stream.on('close', () => {
      socket.destroy();
      resolve(failure);
    });
    stream.on('end', () => resolve(failure));
    socket.on('close', () => stream.destroy());
    socket.pipe(stream).pipe(socket);
  });
}
