/** A tab: its feed comes from the shared worker, over a MessagePort, and is verified here once more. */
import { Feed, memoryStorage, replicate } from 'hypercore-wire';
import { messagePortTransport } from 'hypercore-wire/transport/message-port';

const search = new URLSearchParams(location.search);
const [key, url] = [search.get('key') ?? '', search.get('url') ?? ''];
for (const input of document.querySelectorAll('input')) input.value = search.get(input.name) ?? '';
const status = document.querySelector('[role=status]')!;
const list = document.querySelector('ol')!;

async function show(): Promise<void> {
  const { port } = new SharedWorker(new URL('./shared.ts', import.meta.url), { type: 'module' });
  port.postMessage({ key, url });
  const feed = await Feed.open(memoryStorage(), { key });
  await replicate(messagePortTransport(port), { feeds: feed, live: true });
  status.textContent = 'Open this address in more tabs: the peer sees one connection.';

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

if (key && url) {
  show().catch((error) => {
    status.textContent = String(error);
  });
}
