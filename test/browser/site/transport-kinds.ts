/** The transports that a page can have, each as a kind of the contract. */
import { messagePortTransport } from 'hypercore-wire/transport/message-port';
import { webStreamsTransport } from 'hypercore-wire/transport/web-streams';
import { dataChannelTransport } from 'hypercore-wire/transport/webrtc';
import type { Kind } from '../../transport/contract.ts';
import { openDataChannels } from '../../transport/data-channels.ts';
import { watchListeners } from '../../transport/listeners.ts';
import { streamPair } from '../../transport/stream-pair.ts';

const startRelay = (): Worker =>
  new Worker(new URL('./relay-worker.ts', import.meta.url), { type: 'module' });
let relay: Worker | undefined;

/** The window, and the chunk that waits. */
const PORT_BYTES = 1_048_576 + 131_072;
const patient = { onSlowReader: 'waits', readOnAbort: 'rejected' } as const;

export const kinds = {
  'a MessagePort': {
    async make() {
      const { port1, port2 } = new MessageChannel();
      const leftovers = watchListeners(port1, port2);
      return { here: messagePortTransport(port1), there: messagePortTransport(port2), leftovers };
    },
    bufferedBytes: PORT_BYTES,
    ...patient,
  },

  'a MessagePort to a worker, and one back': {
    async make() {
      relay ??= startRelay();
      const [to, from] = [new MessageChannel(), new MessageChannel()];
      relay.postMessage('ports', [to.port2, from.port2]);
      const leftovers = watchListeners(to.port1, from.port1);
      return { here: messagePortTransport(to.port1), there: messagePortTransport(from.port1), leftovers };
    },
    bufferedBytes: 2 * PORT_BYTES,
    ...patient,
  },

  'a Worker, and a MessagePort back': {
    async make() {
      const worker = startRelay();
      const { port1, port2 } = new MessageChannel();
      const leftovers = watchListeners(worker, port1);
      const here = messagePortTransport(worker);
      worker.postMessage('port', [port2]);
      // Handled, so that the page does not report it.
      worker.onerror = (event) => event.preventDefault();
      return {
        here,
        there: messagePortTransport(port1),
        leftovers,
        vanish: () => worker.postMessage('fail'),
        cleanup: async () => worker.terminate(),
      };
    },
    bufferedBytes: 2 * PORT_BYTES,
    ...patient,
  },

  'a data channel': {
    async make() {
      const { here, there, offering, answering } = await openDataChannels(
        () => new RTCPeerConnection() as never,
      );
      const leftovers = watchListeners(here, there);
      return {
        here: dataChannelTransport(here, { queueBytes: 2_097_152 }),
        there: dataChannelTransport(there, { queueBytes: 2_097_152 }),
        leftovers,
        vanish: () => answering.close(),
        async cleanup() {
          offering.close();
          answering.close();
        },
      };
    },
    onSlowReader: 'overflows',
    readOnAbort: 'rejected',
    // Two cores that encrypt for two connections, and run other tests, pass a few MiB/s.
    bulkBytes: 16_777_216,
  },

  'web streams': {
    make: async () => streamPair(webStreamsTransport),
    // One chunk that each of the two streams holds, and one that waits.
    bufferedBytes: 262_144,
    ...patient,
  },
} satisfies Record<string, Kind>;
