/** Conversations to inspect: the recorded one, and made ones; and what an inspector tells of them. */
import {
  type Direction,
  type InspectEvent,
  Inspector,
  type InspectorOptions,
} from '../../src/inspect/index.ts';
import { unhex, v6 } from '../vectors/index.ts';

/** Bytes of one direction, as they came. */
export interface Chunk {
  readonly direction: Direction;
  readonly bytes: Uint8Array;
}

export const recorded = v6.hypercoreSession;
export const key: Uint8Array = unhex(recorded.key);

/** The recorded session of two hypercores: A connected. A chunk is what one of them wrote, in the order of that time. */
export const recordedChunks: readonly Chunk[] = (() => {
  const at = { A: 0, B: 0 };
  const count = { A: 0, B: 0 };
  return recorded.order.map(({ from }: { from: 'A' | 'B' }) => {
    const { wire, writes } = from === 'A' ? recorded.aToB : recorded.bToA;
    const start = at[from];
    at[from] += writes[count[from]++];
    return { direction: from === 'A' ? 'out' : 'in', bytes: unhex(wire).subarray(start, at[from]) };
  });
})();

/** All that an inspector tells of these chunks, one a millisecond, both directions ended. */
export function inspect(chunks: Iterable<Chunk>, options: Partial<InspectorOptions> = {}): InspectEvent[] {
  const events: InspectEvent[] = [];
  const inspector = new Inspector({ keys: [key], listener: (event) => events.push(event), ...options });
  let time = 0;
  for (const { direction, bytes } of chunks) inspector.push(direction, bytes, time++);
  inspector.end('out', time);
  inspector.end('in', time);
  inspector.finish(time);
  return events;
}

/** The events of one kind. */
export function only<K extends InspectEvent['event']>(
  events: readonly InspectEvent[],
  kind: K,
): (InspectEvent & { event: K })[] {
  return events.filter((event): event is InspectEvent & { event: K } => event.event === kind);
}
