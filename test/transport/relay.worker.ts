/** A worker thread that joins the two ports of each message that it gets. */
import { type MessagePort, parentPort } from 'node:worker_threads';
import { type MessagePortLike, messagePortTransport } from '../../src/transport/message-port.ts';
import { relay } from './relay.ts';

parentPort!.on('message', (ports: [MessagePort, MessagePort]) => {
  const [one, two] = ports.map((port) => messagePortTransport(port as unknown as MessagePortLike));
  relay(one!, two!);
});
