/** One feed for whoever connects: a TCP port, and what its peers take, told as it happens. */
import { networkInterfaces } from 'node:os';
import { type Feed, replicate, type Transport, toHex } from '../index.ts';
import { listenTcp } from '../transport/node.ts';
import { CommandError, exitCodes, reasonOf } from './exit.ts';
import { blocks, type Output, readableBytes } from './output.ts';

/** Milliseconds between two lines about what one peer has taken. */
const UPLOADED_MS = 1000;

/** A port that this process listens on, and serves nobody yet. */
export interface Server {
  /** `tcp://host:port`, one for each address to be reached at. */
  readonly urls: readonly string[];
  /** Serves the feed from now on. Earlier connections are closed at once. */
  serve(feed: Feed): void;
  /** Stops listening, and closes all connections. */
  close(): Promise<void>;
}

/**
 * Takes a port; 0 for a free one.
 * @throws CommandError where it cannot be had.
 */
export async function listen(port: number, host: string, output: Output): Promise<Server> {
  const stop = new AbortController();
  const peers = new Set<Promise<void>>();
  let served: Feed | undefined;
  const onTransport = (transport: Transport): void => {
    if (served === undefined || stop.signal.aborted) return transport.abort();
    const peer = servePeer(transport, served, output, stop.signal).finally(() => peers.delete(peer));
    peers.add(peer);
  };
  const listener = await listenTcp(port, host, onTransport).catch((error: NodeJS.ErrnoException) => {
    throw new CommandError(exitCodes.machine, listenAdvice(error, port, host), error);
  });
  return {
    urls: addresses(host).map((address) => `tcp://${address}:${listener.port}`),
    serve(feed) {
      served = feed;
    },
    async close() {
      stop.abort(new Error('the feed is shared no longer'));
      await Promise.all([listener.close(), ...peers]);
    },
  };
}

/** Never rejects: what a peer does wrong ends that peer's connection only. */
async function servePeer(
  transport: Transport,
  feed: Feed,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  let uploaded = 0;
  let bytes = 0;
  let unsubscribe: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    // The peer names the feed first. One that does not know it learns nothing from us.
    const feeds = (discoveryKey: Uint8Array): Feed | undefined =>
      toHex(discoveryKey) === toHex(feed.discoveryKey) ? feed : undefined;
    const { session, closed } = await replicate(transport, { feeds, live: true, signal });
    const peer = toHex(session.remote.id);
    output.event({ event: 'connected', peer });
    const tell = (): void => {
      clearTimeout(timer);
      timer = undefined;
      output.event({ event: 'uploaded', peer, blocks: uploaded, bytes });
    };
    unsubscribe = feed.subscribe((event) => {
      if (event.type !== 'upload' || event.peer.channel.session !== session) return;
      uploaded++;
      bytes += event.bytes;
      timer ??= setTimeout(tell, UPLOADED_MS);
    });
    const reason = await closed;
    if (timer !== undefined) tell();
    const error = reason.code === 'failed' ? { error: reasonOf(reason.error) } : {};
    output.event({ event: 'disconnected', peer, blocks: uploaded, bytes, ...error });
    output.line(`Peer ${peer.slice(0, 8)} took ${blocks(uploaded)}, ${readableBytes(bytes)}.`);
  } catch (error) {
    if (signal.aborted) return;
    output.event({ event: 'refused', error: reasonOf(error) });
    output.line(`A connection failed: ${reasonOf(error)}`);
  } finally {
    unsubscribe?.();
    clearTimeout(timer);
  }
}

function listenAdvice(error: NodeJS.ErrnoException, port: number, host: string): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} of ${host} is in use: name another --tcp port, or leave it out for a free one`;
    case 'EACCES':
      return `no permission to listen on port ${port}: name a --tcp port from 1024 on`;
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

function inUrl(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
