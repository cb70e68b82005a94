import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { libsodium } from '../../src/crypto/libsodium.ts';
import { readOptions } from '../../src/session/options.ts';
import { Session } from '../../src/session/session.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import { hex, unhex, v6 } from '../vectors/index.ts';
import { ScriptedTransport } from './scripted.ts';

interface Case {
  readonly name: string;
  readonly before: readonly string[];
  readonly frames: readonly string[];
  readonly options?: { readonly encrypt?: boolean; readonly extensions?: readonly string[] };
}

/** What this side does: what reaches the app, how much is passed over, and the code of the end, if it ends. */
interface Outcome {
  readonly receives: readonly object[];
  readonly dropped: number;
  readonly ends?: string;
}

const cases: readonly Case[] = v6.receive.cases;
const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);
const crypto = await libsodium();
const file = new URL('../vectors/receive-ours.json', import.meta.url);
const ours: { cases: { name: string; outcome: Outcome }[] } = JSON.parse(readFileSync(file, 'utf8'));

/** Bytes as hex, and nothing where nothing is. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, part) => (part instanceof Uint8Array ? hex(part) : part)));
}

async function run({ options = {} }: Case, chunks: readonly Uint8Array[]): Promise<Outcome> {
  const transport = new ScriptedTransport();
  const receives: object[] = [];
  let dropped = 0;
  const session: Session = new Session(
    transport,
    await readOptions({
      key: KEY,
      encrypted: options.encrypt ?? false,
      extensions: options.extensions,
      crypto,
      clock: new FakeClock(),
      trace: {
        payloads: true,
        listener(event) {
          if (event.type === 'warning') {
            dropped++;
          } else if (event.type === 'fault' && ['wrong-feed', 'encryption'].includes(event.code)) {
            // The Feed that was refused is no message of the session.
            receives.pop();
          } else if (event.type === 'state' && event.state === 'open') {
            const { id, live, ack, userData, extensions } = session.remote;
            receives.push({ type: 'handshake', id, live, ack, userData, extensions });
          } else if (event.type === 'message' && event.direction === 'in' && event.content?.type === 'feed') {
            receives.push({ type: 'feed', discoveryKey: event.content.discoveryKey });
          }
        },
      },
    }),
  );
  const channel = session.open(KEY);
  channel.receive((batch) => void receives.push(...batch));
  let ends: string | undefined;
  void session.closed.then((reason) => {
    ends = 'error' in reason ? String((reason.error as { code?: string }).code) : reason.code;
  });
  let isClosed = false;
  void channel.closed.then(() => {
    isClosed = true;
  });
  for (const chunk of chunks) {
    transport.arrive(chunk);
    await settle();
  }
  if (isClosed && ends === undefined) receives.push({ type: 'close' });
  expect(transport.aborts).toHaveLength(ends === undefined ? 0 : 1);
  const outcome = plain({ receives, dropped, ...(ends === undefined ? {} : { ends }) }) as Outcome;
  session.abort();
  return outcome;
}

/** Every chunking that there is, by its name. */
const chunkings: [string, (frames: readonly string[]) => Uint8Array[]][] = [
  ['as written', (frames) => frames.map(unhex)],
  ['whole', (frames) => [unhex(frames.join(''))]],
  ['byte by byte', (frames) => Array.from(unhex(frames.join('')), (byte) => Uint8Array.of(byte))],
];

describe('odd and hostile input', () => {
  it('has an outcome for every known case', () => {
    expect(cases).toHaveLength(55);
    expect(ours.cases.map(({ name }) => name)).toEqual(cases.map(({ name }) => name));
  });

  describe.each(chunkings)('%s', (_, chunk) => {
    it.each(cases.map((example, i) => [example.name, example, ours.cases[i]!.outcome] as const))(
      '%s',
      async (_name, example, outcome) => {
        expect(await run(example, chunk([...example.before, ...example.frames]))).toEqual(outcome);
      },
    );
  });
});
