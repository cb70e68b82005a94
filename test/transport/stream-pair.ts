/** Two ends of one connection made of web streams: what is written to the one is read from the other. */
import type { webStreamsTransport } from '../../src/transport/web-streams.ts';
import type { Ends } from './contract.ts';

export function streamPair(transport: typeof webStreamsTransport): Ends {
  const controllers: TransformStreamDefaultController[] = [];
  const start = (controller: TransformStreamDefaultController): void => void controllers.push(controller);
  const [there, back] = [new TransformStream({ start }), new TransformStream({ start })];
  const streams = [there.readable, there.writable, back.readable, back.writable];
  return {
    here: transport({ readable: back.readable, writable: there.writable }),
    there: transport({ readable: there.readable, writable: back.writable }),
    leftovers: () => streams.filter(({ locked }) => locked).length,
    vanish() {
      for (const controller of controllers) controller.error(new Error('the cable was cut'));
    },
  };
}
