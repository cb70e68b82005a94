/** One feed for whoever connects, over TCP or WebSocket, and what its peers take and give, told as it happens. */
import { networkInterfaces } from 'node:os';
import { type Feed, replicate, type Transport, toHex } from '../index.ts';
import { type Listener, listenTcp, listenWebSocket } from '../transport/node.ts';
import type { ShareCommand } from './arguments.ts';
import { CommandError, exitCodes, reasonOf } from './exit.ts';
import { blocks, type Output, readableBytes } from './output.ts';

/** Milliseconds between two lines about what one peer has taken, or given. */
const TRAFFIC_MS = 1000;

/** Ports that this process listens on, and serves nobody yet. */
export interface Server {
  /** `tcp://host:port`, then `ws://host:port`, one for each address to be reached at. */
  readonly urls: readonly string[];
  /** Serves the feed from now on. Earlier connections are closed at once. */
  serve(feed: Feed): void;
  /** Stops listening, and closes all connections. */
  close(): Promise<void>;
}

/**
 * Takes the ports.
 * @throws CommandError where one cannot be had.
 */
export async function listen(
  { tcp, ws, host, origins }: Pick<ShareCommand, 'tcp' | 'ws' | 'host' | 'origins'>,
  output: Output,
): Promise<Server> {
  const stop = new AbortController();
  const peers = new Set<Promise<void>>();
  let served: Feed | undefined;
  const onTransport = (transport: Transport): void => {
    if (served === undefined || stop.signal.aborted) return transport.abort();
    const peer = servePeer(transport, served, output, stop.signal).finally(() => peers.delete(peer));
    peers.add(peer);
  };
  const onError = (error: Error): void => tellRefused(error, output);
  const listeners: Listener[] = [];
  const urls: string[] = [];
  const add = async (scheme: 'tcp' | 'ws', port: number, listening: Promise<Listener>): Promise<void> => {
    const listener = await listening.catch((error: NodeJS.ErrnoException) => {
      throw new CommandError(exitCodes.machine, listenAdvice(error, `--${scheme}`, port, host), error);
    });
    listeners.push(listener);
    urls.push(...addresses(host).map((address) => `${scheme}://${address}:${listener.port}`));
  };
  const close = async (): Promise<void> => {
    stop.abort(new Error('the feed is shared no longer'));
    await Promise.all([...listeners.map((listener) => listener.close()), ...peers]);
  };
  try {
    await add('tcp', tcp, listenTcp(tcp, host, onTransport, onError));
    if (ws !== undefined) await add('ws', ws, listenWebSocket(ws, host, onTransport, { origins, onError }));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    urls,
    serve(feed) {
      served = feed;
    },
    close,
  };
}

/** Never rejects: what a peer does wrong ends that peer's connection only. */
async function servePeer(
  transport: Transport,
  feed: Feed,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  let stop: (() => void) | undefined;
  try {
    // The peer names the feed first. One that does not know it learns nothing from us.
    const feeds = (discoveryKey: Uint8Array): Feed | undefined =>
      toHex(discoveryKey) === toHex(feed.discoveryKey) ? feed : undefined;
    const { session, closed } = await replicate(transport, { feeds, live: true, signal });
    const peer = toHex(session.remote.id);
    output.event({ event: 'connected', peer });
    const taken = new Traffic((numbers) => output.event({ event: 'uploaded', peer, ...numbers }));
    const given = new Traffic((numbers) => output.event({ event: 'downloaded', peer, ...numbers }));
    const unsubscribe = feed.subscribe((event) => {
      if (event.type !== 'upload' && event.type !== 'download') return;
      if (event.peer.channel.session !== session) return;
      (event.type === 'upload' ? taken : given).add(event.bytes);
    });
    stop = () => {
      unsubscribe();
      taken.stop();
      given.stop();
    };
    const reason = await closed;
    stop();
    const error = reason.code === 'failed' ? { error: reasonOf(reason.error) } : {};
    output.event({ event: 'disconnected', peer, ...taken.numbers, ...error });
    const gave = given.numbers.blocks > 0 ? ` and gave ${given}` : '';
    output.line(`Peer ${peer.slice(0, 8)} took ${taken}${gave}.`);
  } catch (error) {
    if (!signal.aborted) tellRefused(error, output);
  } finally {
    stop?.();
  }
}

/** A connection that came to nothing. */
function tellRefused(error: unknown, output: Output): void {
  output.event({ event: 'refused', error: reasonOf(error) });
  output.line(`A connection failed: ${reasonOf(error)}`);
}

/** What went to or came from one peer, told now and then. */
class Traffic {
  readonly #tell: (numbers: { blocks: number; bytes: number }) => void;
  #blocks = 0;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (numbers: { blocks: number; bytes: number }) => void) {
    this.#tell = tell;
  }

  get numbers(): { blocks: number; bytes: number } {
    return { blocks: this.#blocks, bytes: this.#bytes };
  }

  add(bytes: number): void {
    this.#blocks++;
    this.#bytes += bytes;
    this.#timer ??= setTimeout(() => this.stop(), TRAFFIC_MS);
  }

  /** Tells what was not told yet. */
  stop(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#tell(this.numbers);
  }

  toString(): string {
    return `${blocks(this.#blocks)}, ${readableBytes(this.#bytes)}`;
  }
}

/** Why a port cannot be had, and what to do. `option` is the one that named it. */
export function listenAdvice(
  error: NodeJS.ErrnoException,
  option: string,
  port: number,
  host: string,
): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} of ${host} is in use: name another ${option} port, or 0 for a free one`;
    case 'EACCES':
      return `no permission to listen on port ${port}: name a ${option} port from 1024 on`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `--host ${host} is not an address of this machine: leave it out, or name one that is`;
    default:
      return `cannot listen on port ${port} of ${host}: ${reasonOf(error)}`;
  }
}

/** As they stand in a url. An address that means all of them is spelled out, this machine's own first. */
function addresses(host: string): string[] {
  if (host !== '0.0.0.0' && host !== '::') return [inUrl(host)];
  const found: string[] = [];
  for (const { address, family, scopeid } of Object.values(networkInterfaces()).flatMap((a) => a ?? [])) {
    // A link-local address needs the name of an interface, which is another one on the peer's side.
    const isLinkLocal = family === 'IPv6' && scopeid !== 0;
    if ((host === '::' || family === 'IPv4') && !isLinkLocal) found.push(address);
  }
  const isLoopback = (address: string): number => (address.startsWith('127.') || address === '::1' ? 0 : 1);
  found.sort((a, b) => isLoopback(a) - isLoopback(b));
  return found.length > 0 ? found.map(inUrl) : [inUrl(host)];
}

/** An address as it stands in a url. */
export function inUrl(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
