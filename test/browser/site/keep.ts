import { Connections, Feed, memoryStorage } from 'hypercore-wire';
import { dialWebSocket } from 'hypercore-wire/transport/websocket';
import type { Wanted } from './sync.ts';

let feed: Feed;
const told: string[] = [];

/** Keeps a connection to a peer of a feed. */
export async function keep({ key, url }: Pick<Wanted, 'key' | 'url'>): Promise<void> {
  feed = await Feed.open(memoryStorage(), { key });
  const connections = new Connections({ feeds: feed });
  connections.subscribe(({ type }) => told.push(type));
  connections.keep((signal) => dialWebSocket(url, { signal }));
}

/** What became of the connections so far, and how many blocks are here. */
export function kept(): { readonly told: readonly string[]; readonly blocks: number } {
  return { told, blocks: feed.count() };
}
