/**
 * What a trace costs that keeps all: as bytes, from which every frame and message is read later, which is the way to do
 * it; or, to compare, as an object for every single event.
 */
import { send } from '../sides/ours.mjs';
import { have } from './messages.mjs';

/** Events and bytes that are kept at a time. What is kept for longer is the app's memory, not the trace's cost. */
const KEPT = 100_000;
const KEPT_BYTES = 64 * 1024 * 1024;

function keepingAll(options) {
  let events = [];
  let bytes = 0;
  const listener = (event) => {
    if (events.length === KEPT || bytes > KEPT_BYTES) [events, bytes] = [[], 0];
    events.push(event);
    if (event.bytes !== undefined) bytes += event.bytes.byteLength;
  };
  return { listener, ...options };
}

export const rows = [
  {
    work: 'Have, with a trace that keeps all bytes',
    unit: 'messages/s',
    count: 1000,
    ours: (context) =>
      send(have, { options: { trace: keepingAll({ types: ['bytes'], payloads: true }) } })(context),
    peers: { 'without a trace': { start: send(have) } },
    floors: { 'without a trace': 0.75 },
  },
  {
    work: 'Have, with a trace that keeps every event',
    unit: 'messages/s',
    count: 1000,
    ours: (context) => send(have, { options: { trace: keepingAll() } })(context),
    peers: { 'without a trace': { start: send(have) } },
  },
];
