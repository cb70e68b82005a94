/** The reference as a peer over real TCP, and one of our sessions with it. */
import { createRequire } from 'node:module';
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectOptions } from '../../src/session/options.ts';
import { connect, type Session } from '../../src/session/session.ts';
import { nodeTransport } from '../../src/transport/node.ts';
import { crypto, KEY } from './peers.ts';

/** A feed of the reference, as far as it is used here. */
export interface ReferenceFeed {
  on(event: string, listener: (...args: never[]) => void): this;
  extension(name: string, payload: Buffer): boolean;
  info(message: object): boolean;
  have(message: object): boolean;
  unhave(message: object): boolean;
  want(message: object): boolean;
  unwant(message: object): boolean;
  request(message: object): boolean;
  cancel(message: object): boolean;
  data(message: object): boolean;
}

export interface ReferenceStream extends Duplex {
  readonly remoteId: Buffer | null;
  readonly remoteLive: boolean;
  readonly remoteAck: boolean;
  readonly remoteUserData: Buffer | null;
  feed(key: Buffer): ReferenceFeed;
  remoteSupports(name: string): boolean;
  finalize(): void;
}

export interface ReferenceOptions {
  readonly id?: Buffer;
  readonly live?: boolean;
  readonly ack?: boolean;
  readonly userData?: Buffer;
  readonly extensions?: readonly string[];
  readonly encrypt?: boolean;
  readonly timeout?: number;
}

const require = createRequire(import.meta.url);
export const protocol: (options?: ReferenceOptions) => ReferenceStream = require('hypercore-protocol');

// The reference's cipher keeps views of a memory that moves when it grows, and throws at its end where it did.
const sodium = createRequire(require.resolve('hypercore-protocol'))('sodium-universal');
const large = Buffer.alloc(16_000_000);
sodium.crypto_stream_xor_instance(Buffer.alloc(24), Buffer.alloc(32)).update(large, large);

/** Two ends of a TCP connection. */
export async function sockets(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const { port } = server.address() as AddressInfo;
  const dialled = dial({ port, host: '127.0.0.1', allowHalfOpen: true });
  const pair: [Socket, Socket] = [dialled, await accepted];
  server.close();
  return pair;
}

export interface Meeting {
  readonly session: Session;
  readonly stream: ReferenceStream;
  readonly socket: Socket;
  /** The reference's error, where it ends with one. */
  readonly failure: Promise<Error | undefined>;
}

/** Connects ours and the reference, both with KEY; `theirs` is called once the reference's stream is there. */
export async function meet(
  ours: Partial<ConnectOptions> = {},
  options: ReferenceOptions = {},
  theirs: (stream: ReferenceStream) => void = (stream) => void stream.feed(Buffer.from(KEY)),
): Promise<Meeting> {
  const [near, far] = await sockets();
  const stream = protocol(options);
  const failure = new Promise<Error | undefined>((resolve) => {
    stream.once('error', resolve);
    stream.once('end', () => resolve(undefined));
  });
  far.on('error', () => {});
  far.pipe(stream).pipe(far);
  stream.once('close', () => far.destroy());
  theirs(stream);
  const session = await connect(nodeTransport(near), { key: KEY, crypto, ...ours });
  return { session, stream, socket: far, failure };
}

/** The first `count` events of these names. */
export function events(feed: ReferenceFeed, names: readonly string[], count: number): Promise<unknown[][]> {
  const seen: unknown[][] = [];
  return new Promise((resolve) => {
    for (const name of names) {
      feed.on(name, (...args: unknown[]) => {
        seen.push([name, ...args]);
        if (seen.length === count) resolve(seen);
      });
    }
  });
}
