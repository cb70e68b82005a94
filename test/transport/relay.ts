/** Two transports joined to one connection, end to end: what the one receives, the other sends. */
import type { Transport } from '../../src/stream/transport.ts';

export function relay(one: Transport, two: Transport): void {
  const join = (from: Transport, to: Transport): void => {
    to.sink(from.source).catch((error) => from.abort(error));
  };
  join(one, two);
  join(two, one);
}
