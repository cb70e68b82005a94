import { Feed, replicate, toHex } from 'hypercore-wire';
import { remoteStorage } from 'hypercore-wire/storage/opfs';
import { dialWebSocket } from 'hypercore-wire/transport/websocket';
import type { Wanted } from './sync.ts';

export interface Progress {
  /** Blocks that were there when the page opened the feed. */
  readonly found: number;
  /** Blocks that came since. */
  readonly downloaded: number;
}

let feed: Feed;
let progress: Progress;

/** Goes on with a sync into the origin's file system, wherever the page before has left it. */
export async function goOn({ key, url }: Wanted): Promise<void> {
  const worker = new Worker(new URL('./opfs-worker.ts', import.meta.url), { type: 'module' });
  feed = await Feed.open(remoteStorage(worker, key), { key });
  progress = { found: feed.count(), downloaded: 0 };
  feed.subscribe(({ type }) => {
    if (type === 'download') progress = { ...progress, downloaded: progress.downloaded + 1 };
  });
  await replicate(await dialWebSocket(url), { feeds: feed, live: true });
}

export function progressSoFar(): Progress {
  return progress;
}

/** The whole feed, in hex, once it is there. */
export async function all(length: number): Promise<string[]> {
  const blocks: string[] = [];
  for await (const block of feed.read({ end: length })) blocks.push(toHex(block));
  return blocks;
}
