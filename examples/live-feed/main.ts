/** Shows a feed while it grows. The form puts the key and the peer into the page's address, which is read here. */
import { Connections, Feed, memoryStorage, StorageError } from 'hypercore-wire';
import { remoteStorage } from 'hypercore-wire/storage/opfs';
import { dialWebSocket } from 'hypercore-wire/transport/websocket';

const [key, url] = ['key', 'url'].map((name) => {
  const value = new URLSearchParams(location.search).get(name) ?? '';
  document.querySelector<HTMLInputElement>(`[name=${name}]`)!.value = value;
  return value;
}) as [string, string];

const status = document.querySelector('[role=status]')!;
const list = document.querySelector('ol')!;

function say(text: string, isLive = false): void {
  status.textContent = text;
  status.classList.toggle('is-live', isLive);
}

/** A copy that stays when the page is closed, and goes on from there. */
async function open(): Promise<Feed> {
  const worker = new Worker(new URL('./storage-worker.ts', import.meta.url), { type: 'module' });
  try {
    return await Feed.open(remoteStorage(worker, key), { key });
  } catch (error) {
    worker.terminate();
    // This browser has no place for files, or another tab has these: a copy in memory does as well, for this time.
    const code = error instanceof StorageError ? error.code : undefined;
    if (code !== 'unsupported' && code !== 'locked') throw error;
    return Feed.open(memoryStorage(), { key });
  }
}

async function show(): Promise<void> {
  say('Opening …');
  // Every block is verified against the key before it is stored.
  const feed = await open();

  // A connection that is dialed again whenever it is lost.
  const connections = new Connections({ feeds: feed });
  connections.subscribe((event) => {
    if (event.type === 'connected') say('Live: what is written there shows up here.', true);
    if (event.type === 'retry') say(`${messageOf(event.error)}. Trying again …`);
    if (event.type === 'gave-up') say(messageOf(event.error));
  });
  connections.keep((signal) => dialWebSocket(url, { signal }));
  addEventListener('online', () => connections.retry());
  say('Connecting …');

  // All blocks in order; `live` waits for those that are not written yet.
  let index = 0;
  for await (const block of feed.read({ live: true })) {
    const item = document.createElement('li');
    const text = new TextDecoder().decode(block);
    for (const [tag, content] of Object.entries({ small: index++, p: text, data: `${block.byteLength} B` })) {
      item.appendChild(document.createElement(tag)).textContent = `${content}`;
    }
    list.prepend(item);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : `${error}`);

if (key && url) show().catch((error) => say(messageOf(error)));
else say('Run "node feed.mjs" in this folder: it makes a feed, and prints a link.');
