/** An event as a line of `--json`: bytes as hex, and the fields of a message beside its place. */
import { toHex } from '../../index.ts';
import type { CapturedEvent } from '../../inspect/index.ts';
import type { CommandEvent } from '../output.ts';

/** `withBytes`: the frame's bytes, and what they are. */
export function jsonOf(event: CapturedEvent, withBytes: boolean): CommandEvent {
  if (event.event !== 'message')
    return 'time' in event ? { ...event, time: microseconds(event.time) } : { ...event };
  const { frame, message, ...place } = event;
  const bytes = withBytes ? { plain: frame.plain, ciphered: frame.ciphered, fields: frame.fields } : {};
  return hexed({
    ...place,
    time: microseconds(place.time),
    ...message,
    ...bytes,
  }) as CommandEvent;
}

/** As fine as anybody measures. */
function microseconds(time: number): number {
  return Math.round(time * 1000) / 1000;
}

function hexed(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(hexed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, hexed(inner)]));
}
