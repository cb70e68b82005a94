/** A worker, dedicated or shared, that syncs what it is told to. */
import { answer } from './ask.ts';
import { sync } from './sync.ts';

if ('SharedWorkerGlobalScope' in globalThis) {
  globalThis.addEventListener('connect', (event) => {
    const port = (event as MessageEvent).ports[0]!;
    answer(port, { sync });
    port.start();
  });
} else {
  answer(globalThis, { sync });
}
