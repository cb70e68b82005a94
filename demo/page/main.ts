/** The page: three conversations, one behind each tab. */
import { dialWebSocket } from 'hypercore-wire/transport/websocket';
import { CapturePanel } from './capture-panel.ts';
import { element, found } from './element.ts';
import { LivePanel } from './live-panel.ts';
import { PeerWorker } from './peer-worker.ts';
import { tabs } from './tabs.ts';
import { themeButton } from './theme.ts';

/** The first blocks of the page's own feed. */
const blocks = [
  'A feed is a list of blocks that only grows.',
  'Each block is hashed into a leaf of a tree.',
  'Two neighbours are hashed into their parent,',
  'two parents into theirs, and so on, up to the roots.',
  'The writer signs the roots with the secret key.',
  'Whoever has the public key can check every block,',
  'whoever it came from,',
  'and refuses the one in which a bit is wrong.',
];

themeButton(found<HTMLButtonElement>('#theme'));

const here = new LivePanel({
  name: 'Writer',
  about: 'owns the feed',
  pauseMs: 250,
  start(tell) {
    const writer = new PeerWorker(tell);
    writer.tell({ type: 'start', blocks });
    return writer;
  },
});

/** What `npm start` shares; `undefined` where the page is served by something else. */
async function sharedFeed(): Promise<{ key: string; url: string } | undefined> {
  const response = await fetch('shared.json').catch(() => undefined);
  return response?.ok ? response.json() : undefined;
}

async function startShared(panel: HTMLElement): Promise<void> {
  const feed = await sharedFeed();
  if (feed === undefined) {
    panel.append(
      element('p', {
        class: 'card',
        text: 'Nothing is shared: run npm start, and open the address that it prints.',
      }),
    );
    return;
  }
  const { key, url } = feed;
  shared = new LivePanel({
    name: 'npm start',
    about: `shares it at ${url}`,
    pauseMs: 50,
    remote: { key, dial: () => dialWebSocket(url) },
  });
  panel.append(shared.element);
  shared.start();
}

/** What is shared, once it was looked at. */
let shared: LivePanel | undefined;
const capture = new CapturePanel(() => [...here.keys, ...(shared?.keys ?? [])]);

const choose = tabs(found('[role=tablist]'), {
  here(panel) {
    panel.append(here.element);
    here.start();
  },
  shared: (panel) => void startShared(panel),
  capture: (panel) => panel.append(capture.element),
});

// A file may be dropped anywhere, and the browser would leave the page for it.
addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dropping');
});
addEventListener('dragleave', (event) => {
  if (event.relatedTarget === null) document.body.classList.remove('dropping');
});
addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dropping');
  const [file] = event.dataTransfer?.files ?? [];
  if (file === undefined) return;
  choose('capture');
  void capture.read(file);
});
