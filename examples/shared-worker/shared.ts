/** One for all tabs of the app: it has the connections and the copies, and each tab is a peer of it. */
import { Connections, Feed, memoryStorage } from 'hypercore-wire';
import { messagePortTransport } from 'hypercore-wire/transport/message-port';
import { dialWebSocket } from 'hypercore-wire/transport/websocket';

const opened = new Map<string, Promise<Connections>>();

async function open(key: string, url: string): Promise<Connections> {
  const connections = new Connections({ feeds: await Feed.open(memoryStorage(), { key }) });
  connections.keep((signal) => dialWebSocket(url, { signal }));
  return connections;
}

addEventListener('connect', (event) => {
  const port = (event as MessageEvent).ports[0]!;
  const onTab = async ({ data: { key, url } }: MessageEvent): Promise<void> => {
    if (!opened.has(key)) opened.set(key, open(key, url));
    (await opened.get(key)!).add(messagePortTransport(port));
  };
  port.addEventListener('message', onTab, { once: true });
  port.start();
});
