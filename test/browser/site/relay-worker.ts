/** A worker that joins its own scope and a port, or two ports, to one connection; or fails. */
import { messagePortTransport } from 'hypercore-wire/transport/message-port';
import { relay } from '../../transport/relay.ts';

globalThis.addEventListener('message', ({ data, ports }: MessageEvent) => {
  if (data === 'port') relay(messagePortTransport(globalThis), messagePortTransport(ports[0]!));
  if (data === 'ports') relay(messagePortTransport(ports[0]!), messagePortTransport(ports[1]!));
  // Outside of this listener's task, as a bug of an app would be.
  if (data === 'fail') {
    setTimeout(() => {
      throw new Error('a bug');
    });
  }
});
