/** A feed of hypercore 7.7.1, which knows TCP only, brought to browsers by our command: `share --ws`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { append, type Hypercore, openHypercore, run } from '../interop/hypercore.ts';

const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface ServedFeed {
  readonly key: string;
  /** Of a WebSocket. */
  readonly url: string;
  readonly feed: Hypercore;
  /** How many connections browsers have made. */
  connected(): number;
  close(): Promise<void>;
}

export async function serveFeed(blocks: readonly Uint8Array[]): Promise<ServedFeed> {
  const feed = await openHypercore();
  if (blocks.length > 0) await append(feed, blocks);
  const folder = mkdtempSync(join(tmpdir(), 'hypercore-wire-browser-'));
  // All that a copy begins with.
  writeFileSync(join(folder, 'key'), feed.key);
  const child = spawn(process.execPath, [command, 'share', folder, '--ws', '0', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const events: { readonly event: string; readonly urls: readonly string[] }[] = [];
  const lines = createInterface(child.stdout).on('line', (line) => events.push(JSON.parse(line)));
  // The first line.
  await once(lines, 'line');
  const [tcp, url] = events[0]!.urls as [string, string];
  const socket = connect(Number(new URL(tcp).port), '127.0.0.1');
  const ended = run(socket, feed.replicate({ live: true }));
  return {
    key: feed.key.toString('hex'),
    url,
    feed,
    // The first is hypercore's.
    connected: () => events.filter(({ event }) => event === 'connected').length - 1,
    async close() {
      socket.destroy();
      await ended;
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGINT');
      await exited;
      rmSync(folder, { recursive: true });
    },
  };
}
