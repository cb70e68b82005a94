/** A worker, dedicated or shared, that syncs what it is told to. */
import { sync, type Wanted } from './sync.ts';

const serve = (port: MessagePort | typeof globalThis): void => {
  port.onmessage = ({ data }: MessageEvent<Wanted>) => {
    sync(data).then(
      (blocks) => port.postMessage({ blocks }),
      (error) => port.postMessage({ error: String(error) }),
    );
  };
};

if ('SharedWorkerGlobalScope' in globalThis) {
  Object.assign(globalThis, { onconnect: ({ ports }: MessageEvent) => serve(ports[0]!) });
} else {
  serve(globalThis);
}
