/** The first tab has a feed and writes; a tab opened by its link has a copy, over WebRTC. */
import { Connections, Feed, memoryStorage, toHex } from 'hypercore-wire';
import { dataChannelTransport } from 'hypercore-wire/transport/webrtc';
import { answer, call } from './signalling.ts';

const status = document.querySelector('[role=status]')!;
const form = document.querySelector('form')!;
const list = document.querySelector('ol')!;
const key = location.hash.slice(1);

async function write(): Promise<Feed> {
  const feed = await Feed.create(memoryStorage());
  const connections = new Connections({ feeds: feed });
  answer(toHex(feed.key), (channel) => connections.add(dataChannelTransport(channel)));
  form.hidden = false;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void feed.append(new TextEncoder().encode(String(new FormData(form).get('line'))));
    form.reset();
  });
  const link = document.createElement('a');
  link.href = `#${toHex(feed.key)}`;
  link.target = '_blank';
  link.textContent = 'Open a second tab';
  status.replaceChildren(link, ' and write here: it shows up there.');
  return feed;
}

async function read(): Promise<Feed> {
  const feed = await Feed.open(memoryStorage(), { key });
  const connections = new Connections({ feeds: feed });
  connections.subscribe((event) => {
    if (event.type === 'connected') status.textContent = 'Connected to the first tab.';
    if (event.type === 'retry') status.textContent = 'The first tab does not answer. Trying again …';
  });
  connections.keep(async (signal) => dataChannelTransport(await call(key, signal)));
  return feed;
}

const feed = await (key === '' ? write() : read());
for await (const block of feed.read({ live: true })) {
  list.appendChild(document.createElement('li')).textContent = new TextDecoder().decode(block);
}
