/** What to make of a conversation that is over, in plain sentences. */
import { toHex } from '../crypto/hex.ts';
import type { VerdictEvent } from './events.ts';
import type { Unanswered } from './requests.ts';
import type { Side } from './side.ts';
import { count } from './text.ts';

/** Milliseconds of a tick of hypercore-protocol 6, which counts its patience in them. */
const TICK_MS = 1250;
/** Ticks after which hypercore 7 hangs up for a Request without an answer. */
const PATIENCE_TICKS = 6;
/** Milliseconds of silence after which hypercore-protocol 6 may hang up. */
const SILENCE_MS = 5 * TICK_MS;

type Verdict = Omit<VerdictEvent, 'event'>;
const bad = (text: string): Verdict => ({ ok: false, text });

/** The sentences, the first cause first. `time` is when the capture ended. */
export function verdicts(out: Side, back: Side, time: number): Verdict[] {
  const sides = [
    [out, back],
    [back, out],
  ] as const;
  if (out.frames.received + back.frames.received === 0) return [bad('Neither side said anything.')];
  const found = [
    ...sides.flatMap(([side]) => unreadable(side)),
    ...feeds(out, back),
    ...sides.flatMap(([side, other]) => [...unmet(side, other), ...unanswered(side, other, time)]),
    ...sides.flatMap(([side, other]) => [...cut(side), ...silent(side, other, time)]),
  ];
  return found.length > 0 ? found : [proper(out, back)];
}

function unreadable(side: Side): Verdict[] {
  const { name, lost, sealed, frames, missing } = side;
  if (sealed !== undefined) {
    const text = `What ${name} said after its first frame is enciphered: to read it takes the key of the feed with the discovery key ${sealed}, and no key given is that one.`;
    return [{ ok: false, text, missingKey: sealed }];
  }
  const gap =
    missing === 0 ? [] : [bad(`The capture does not have ${count(missing, 'byte')} of what ${name} said.`)];
  if (lost === undefined) return gap;
  if (side.feed === undefined) {
    return [
      bad(
        `What ${name} said cannot be read: ${lost.reason}. Or the capture began after the conversation did: its first frame is needed.`,
      ),
    ];
  }
  const until = frames.isReadable ? ' up to where frames begin again' : '';
  return [
    ...gap,
    bad(`After ${count(lost.frames, 'frame')}, what ${name} said cannot be read${until}: ${lost.reason}.`),
  ];
}

/** What the first frames say of each other. */
function feeds(out: Side, back: Side): Verdict[] {
  const [a, b] = [out.feed, back.feed];
  if (a === undefined || b === undefined) return [];
  if ((a.nonce === undefined) !== (b.nonce === undefined)) {
    const [clear, other] = a.nonce === undefined ? [out, back] : [back, out];
    return [
      bad(`${capital(clear.name)} does not encipher and ${other.name} does: both have to do the same.`),
    ];
  }
  if (a.nonce === undefined || b.nonce === undefined) return [];
  if (toHex(a.nonce) === toHex(b.nonce)) {
    return [bad(`${capital(back.name)} only repeats what ${out.name} says: it is not a peer.`)];
  }
  const [first, second] = [toHex(a.discoveryKey), toHex(b.discoveryKey)];
  if (first === second) return [];
  return [
    bad(
      `${capital(out.name)} opens with the feed of the discovery key ${first.slice(0, 8)}…, ${back.name} with that of ${second.slice(0, 8)}…: both have to open the same feed first.`,
    ),
  ];
}

/** It ended without having said who it is. */
function unmet(side: Side, other: Side): Verdict[] {
  if (side.endedAt === undefined || side.extensions !== undefined || !side.frames.isReadable) return [];
  if (side.frames.received === 0) {
    return [
      bad(
        `${capital(side.name)} said nothing and hung up: it does not have the feed, or does not answer for it.`,
      ),
    ];
  }
  // The other's fault, and told there.
  if (other.lost !== undefined) return [];
  return [bad(`${capital(side.name)} hung up before its Handshake: it refused what it had heard by then.`)];
}

function unanswered(side: Side, other: Side, time: number): Verdict[] {
  const waiting = side.requests.unanswered;
  const first = waiting.find(({ isRefused }) => !isRefused);
  const refused = waiting.find(({ isRefused }) => isRefused);
  const found: Verdict[] = [];
  if (first !== undefined && other.frames.isReadable) {
    const end = firstEnd(side, other);
    const ticks = Math.floor(((end?.at ?? time) - first.time) / TICK_MS);
    const others = waiting.filter(({ isRefused }) => !isRefused).length - 1;
    const more = others > 0 ? ` and ${count(others, 'more block')}` : '';
    const last =
      end === undefined
        ? 'when the capture ended'
        : `then ${end.side === side ? 'it' : end.side.name} hung up`;
    const waited = `${count(ticks, 'tick')} (${seconds((end?.at ?? time) - first.time)})`;
    found.push({
      ok: end === undefined && ticks < PATIENCE_TICKS,
      text: `${capital(side.name)} asked for ${block(first, side)}${more}, no answer for ${waited}, ${last}.`,
    });
  }
  if (refused !== undefined) {
    found.push(
      bad(
        `${capital(side.name)} asked for ${block(refused, side)}, and ${other.name} said that it does not have it.`,
      ),
    );
  }
  return found;
}

function block({ index, feed }: Unanswered, side: Side): string {
  return `block ${index}${side.channels.size > 1 ? ` of the feed ${feed.slice(0, 8)}…` : ''}`;
}

function firstEnd(side: Side, other: Side): { at: number; side: Side } | undefined {
  const ended = [other, side]
    .filter(({ endedAt }) => endedAt !== undefined)
    .sort((a, b) => a.endedAt! - b.endedAt!)[0];
  return ended === undefined ? undefined : { at: ended.endedAt!, side: ended };
}

/** It ended in the middle of something. */
function cut({ name, frames, endedAt, error }: Side): Verdict[] {
  if (endedAt === undefined) return [];
  const found: Verdict[] = [];
  if (error !== undefined) found.push(bad(`The connection from ${name} did not end properly: ${error}.`));
  if (frames.incomplete > 0 && frames.isReadable) {
    found.push(
      bad(`${capital(name)} ended inside a frame, of which ${count(frames.incomplete, 'byte')} had come.`),
    );
  }
  return found;
}

/** It was silent for so long that the other side gave up. */
function silent(side: Side, other: Side, time: number): Verdict[] {
  if (side.heardAt === undefined || other.frames.received === 0) return [];
  const end = firstEnd(side, other)?.at ?? time;
  const silence = end - side.heardAt;
  if (silence < SILENCE_MS) return [];
  return [
    bad(
      `${capital(side.name)} had been silent for ${seconds(silence)} at the end: hypercore 7 takes a peer for dead after 6.25 to 7.5 s.`,
    ),
  ];
}

function proper(out: Side, back: Side): Verdict {
  const blocks = out.tally.blocks + back.tally.blocks;
  const went = blocks === 0 ? 'no blocks went across' : `${count(blocks, 'block')} went across`;
  const isOver = out.endedAt !== undefined && back.endedAt !== undefined;
  if (isOver) {
    return { ok: true, text: `Both sides ended properly${sated(out, back)}: ${went}.` };
  }
  const isOneWay = out.frames.received === 0 || back.frames.received === 0;
  if (isOneWay) return { ok: true, text: `One direction was captured, and all of it can be read: ${went}.` };
  return { ok: true, text: `Nothing is wrong up to where the capture ends: ${went}.` };
}

/** Who had said that it wants nothing more. */
function sated(out: Side, back: Side): string {
  if (out.isSated && back.isSated) return ', and said before that they wanted nothing more';
  const one = out.isSated ? out : back;
  return one.isSated ? `, and ${one.name} said before that it wanted nothing more` : '';
}

function seconds(ms: number): string {
  return `${Math.round(ms / 10) / 100} s`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
