/** A worker that has a feed, and replicates it with who made the worker. */
import { replicate } from 'hypercore-wire';
import { messagePortTransport } from 'hypercore-wire/transport/message-port';
import { countNumbered, writeNumbered } from './numbered-feed.ts';

const scope = globalThis as unknown as Worker;

scope.addEventListener('message', async ({ data: encrypted }: MessageEvent) => {
  if (typeof encrypted !== 'boolean') return;
  const feed = await writeNumbered();
  scope.postMessage({ key: feed.key });
  const { closed } = await replicate(messagePortTransport(scope), { feeds: feed, encrypted });
  const { code } = await closed;
  scope.postMessage({ code, count: await countNumbered(feed) });
});
