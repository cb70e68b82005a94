/** Shows a feed while it grows. The form puts the key and the peer into the page's address, which is read here. */
import { Feed, memoryStorage, replicate } from 'hypercore-wire';
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

async function show(): Promise<void> {
  // A copy in memory. Every block is verified against the key before it is shown.
  const feed = await Feed.open(memoryStorage(), { key });
  void stayConnected(feed);
  let index = 0;
  // All blocks in order; `live` waits for those that are not written yet.
  for await (const block of feed.read({ live: true })) {
    const item = document.createElement('li');
    for (const [tag, text] of [
      ['span', `${index++}`],
      ['div', new TextDecoder().decode(block)],
      ['span', `${block.byteLength} B`],
    ] as const) {
      item.appendChild(document.createElement(tag)).textContent = text;
    }
    list.prepend(item);
  }
}

/** Dials again whenever the connection has ended. */
async function stayConnected(feed: Feed): Promise<never> {
  for (;;) {
    try {
      say('Connecting …');
      const { closed } = await replicate(await dialWebSocket(url), { feeds: feed, live: true });
      say('Live: what is written there shows here', true);
      const reason = await closed;
      say(reason.code === 'failed' ? String(reason.error) : 'The peer has left.');
    } catch (error) {
      say((error as Error).message);
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

if (key && url) show().catch((error: Error) => say(error.message));
else say('Run "node feed.js" in this folder: it makes a feed, and prints a link.');
