/** The page only draws. Its own feed is empty, and takes from the worker those blocks that are looked at. */
import { Feed, memoryStorage, replicate, toHex } from 'hypercore-wire';
import { messagePortTransport } from 'hypercore-wire/transport/message-port';

const search = new URLSearchParams(location.search);
const [key, url] = [search.get('key') ?? '', search.get('url') ?? ''];
for (const input of document.querySelectorAll('input')) input.value = search.get(input.name) ?? '';

const [status, blocks, text] = ['[role=status]', '#blocks', 'pre'].map(
  (selector) => document.querySelector<HTMLElement>(selector)!,
) as [HTMLElement, HTMLElement, HTMLElement];
let trouble = '';

async function show(): Promise<void> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
  worker.postMessage({ key, url });
  worker.addEventListener('message', ({ data }) => {
    trouble = data.trouble ?? trouble;
  });
  // With `sparse`, nothing is downloaded that nobody asks for.
  const feed = await Feed.open(memoryStorage(), { key, sparse: true });
  const { closed } = await replicate(messagePortTransport(worker), { feeds: feed, live: true });
  const drawing = setInterval(() => draw(feed), 50);
  const reason = await closed;
  clearInterval(drawing);
  if (reason.code === 'failed') throw reason.error;
}

/** One square for each block that the worker knows of, filled once it has it. */
function draw(feed: Feed): void {
  while (blocks.childElementCount < feed.remoteLength) blocks.append(square(feed, blocks.childElementCount));
  let count = 0;
  for (const [index, button] of [...blocks.children].entries()) {
    const isThere = feed.peers[0]?.remoteHas(index) ?? false;
    button.classList.toggle('is-there', isThere);
    if (isThere) count++;
  }
  status.textContent = count > 0 ? `The worker has ${count} blocks. Choose one to see it.` : trouble;
}

function square(feed: Feed, index: number): HTMLButtonElement {
  const button = document.createElement('button');
  button.title = `Block ${index}`;
  button.addEventListener('click', async () => {
    const block = await feed.get(index);
    text.hidden = false;
    text.textContent = `Block ${index}, ${block.byteLength} bytes\n\n${readable(block)}`;
  });
  return button;
}

/** Text as it is, anything else as hex. */
function readable(block: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(block);
  } catch {
    return toHex(block);
  }
}

if (key && url) {
  status.textContent = 'Connecting …';
  show().catch((error) => {
    status.textContent = String(error);
  });
}
