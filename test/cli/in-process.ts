/** `sync` in this process, which is some fifty times faster than a process of its own. */
import type { SyncCommand } from '../../src/cli/arguments.ts';
import { CommandError } from '../../src/cli/exit.ts';
import type { CommandEvent, Output } from '../../src/cli/output.ts';
import { sync } from '../../src/cli/sync.ts';
import { type Clock, type Feed, replicate, toHex } from '../../src/index.ts';
import { listenTcp } from '../../src/transport/node.ts';
import { type Damage, DamagedTransport } from '../feed/damaged-transport.ts';

/** How much faster than the system's clock the sessions' time passes: a peer is given up after 300 ms. */
const HASTE = 25;

const clock: Clock = {
  now: () => performance.now() * HASTE,
  after(ms, fn) {
    const timer = setTimeout(fn, ms / HASTE);
    return () => clearTimeout(timer);
  },
};

export type Direction = 'in' | 'out';

export interface Place {
  readonly dir: string;
  readonly out: string;
}

export interface Run {
  readonly code: number;
  readonly message: string;
  readonly last: CommandEvent;
  readonly passed: { readonly in: number; readonly out: number };
}

/** One `sync` from a server whose first connection is damaged; `in` is what the server receives. */
export async function syncHere(
  feed: Feed,
  { dir, out }: Place,
  damages: { in?: Damage; out?: Damage } = {},
): Promise<Run> {
  const passed = { in: 0, out: 0 };
  let connections = 0;
  const listener = await listenTcp(0, '127.0.0.1', (transport) => {
    const isFirst = connections++ === 0;
    const damaged = new DamagedTransport(transport, isFirst ? damages : {});
    replicate(damaged, { feeds: () => feed, live: true, clock })
      .then(({ closed }) => closed)
      .catch(() => {})
      .finally(() => isFirst && Object.assign(passed, damaged.passed));
  });
  const url = { scheme: 'tcp', text: 'tcp://peer', host: '127.0.0.1', port: listener.port } as const;
  const rest = { blocks: undefined, live: false, retry: 0, json: true };
  const command: SyncCommand = { name: 'sync', key: toHex(feed.key), urls: [url], dir, out, ...rest };
  const events: CommandEvent[] = [];
  const silent = { line() {}, note() {}, failure() {}, terminal: undefined };
  const output: Output = { ...silent, json: true, event: (event) => events.push(event) };
  let code = 0;
  let message = '';
  try {
    // Should it ever hang, it ends with 130, which no test expects.
    await sync(command, output, AbortSignal.timeout(120_000), clock);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    ({ exit: code, message } = error);
  }
  await listener.close();
  return { code, message, last: events.at(-1)!, passed };
}
