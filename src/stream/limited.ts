/**
 * A transport whose rates can be limited. What passes is cut into pieces that are small enough to show a sign of
 * life often, however low the rate; what may not pass yet is not pulled, which is backpressure on either side.
 *
 * A peer is given time for its answers (7.5 s by hypercore 7, for each block in turn): a limit needs room for a
 * block of the feed, with its proof, in that time.
 */
import { assertInteger } from '../errors.ts';
import { type Clock, systemClock } from './clock.ts';
import { Rate } from './rate.ts';
import { assertTransport, type Transport } from './transport.ts';

/** In bytes a second, 1 at least; left out: no limit. */
export interface RateLimits {
  readonly receive?: number | undefined;
  readonly send?: number | undefined;
}

/** A transport that has {@link LimitedTransport.limit}; without limits until that is called. */
export interface LimitedTransport extends Transport {
  /** Sets both limits from now on. @throws TypeError, RangeError unless they are whole numbers from 1. */
  limit(limits: RateLimits): void;
}

/** Makes one. `onReceived` is told of each chunk when it comes, before the limit holds it. @throws TypeError for what is no transport. */
export function limited(
  transport: Transport,
  clock: Clock = systemClock(),
  onReceived: () => void = () => {},
): LimitedTransport {
  assertTransport(transport);
  const receive = new Rate(clock);
  const send = new Rate(clock);

  async function* pieces(chunks: AsyncIterable<Uint8Array>, rate: Rate): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of chunks) {
      if (rate === receive) {
        onReceived();
        // In a hidden tab what is received comes sooner than a timer.
        send.check();
      }
      for (let start = 0; start < chunk.byteLength; ) {
        const taken = rate.take(chunk.byteLength - start);
        const end = start + (typeof taken === 'number' ? taken : await taken);
        yield end - start === chunk.byteLength ? chunk : chunk.subarray(start, end);
        start = end;
      }
    }
  }

  return {
    source: pieces(transport.source, receive),
    sink: (chunks) => transport.sink(pieces(chunks, send)),
    abort(reason) {
      receive.stop();
      send.stop();
      transport.abort(reason);
    },
    limit(limits) {
      for (const name of ['receive', 'send'] as const)
        if (limits[name] !== undefined) assertInteger(name, limits[name], 1);
      receive.set(limits.receive);
      send.set(limits.send);
    },
  };
}
