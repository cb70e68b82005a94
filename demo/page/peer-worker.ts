/** A peer in a worker, from the side of the page. */
import type { Transport } from 'hypercore-wire';
import { messagePortTransport } from 'hypercore-wire/transport/message-port';
import type { FromPeer, ToPeer } from './worker/protocol.ts';

export class PeerWorker {
  readonly #worker: Worker;

  constructor(listener: (message: FromPeer) => void) {
    this.#worker = new Worker(new URL('./worker/peer.ts', import.meta.url), { type: 'module' });
    this.#worker.addEventListener('message', ({ data }: MessageEvent<FromPeer>) => listener(data));
    this.#worker.addEventListener('error', (event) => {
      listener({ type: 'failed', error: event.message || 'The script of a peer could not be loaded.' });
    });
  }

  tell(message: ToPeer): void {
    this.#worker.postMessage(message);
  }

  /** A new connection to the peer; the bytes come and go at this end. */
  connect(encrypted: boolean): Transport {
    const { port1, port2 } = new MessageChannel();
    this.#worker.postMessage({ type: 'connect', port: port2, encrypted } satisfies ToPeer, [port2]);
    return messagePortTransport(port1);
  }

  terminate(): void {
    this.#worker.terminate();
  }
}
