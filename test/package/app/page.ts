/** What the DOM has fits where the package asks for it. */
import { connect, type Session } from 'hypercore-wire';
import { dialWebSocket, webSocketTransport } from 'hypercore-wire/transport/websocket';

export async function meet(url: string, key: string): Promise<Session[]> {
  const { signal } = new AbortController();
  return [
    await connect(webSocketTransport(new WebSocket(url)), { key, signal }),
    await connect(await dialWebSocket(url, { signal, WebSocket }), { key }),
  ];
}
