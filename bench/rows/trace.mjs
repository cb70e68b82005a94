/** What a trace costs that is subscribed to and keeps every event. Without one, see the row of the Haves. */
import { send } from '../sides/ours.mjs';
import { have } from './messages.mjs';

/** Events that are kept at a time. What is kept for longer is the app's memory, not the trace's cost. */
const KEPT = 100_000;

function keepingAll() {
  let events = [];
  return (event) => {
    if (events.length === KEPT) events = [];
    events.push(event);
  };
}

export const rows = [
  {
    work: 'Have, with a trace that keeps all',
    unit: 'messages/s',
    count: 1000,
    ours: (context) => send(have, { options: { trace: keepingAll() } })(context),
    peers: { 'without a trace': { start: send(have) } },
    floors: { 'without a trace': 0.75 },
  },
];
