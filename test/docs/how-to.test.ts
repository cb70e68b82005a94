/** The how-tos: their files, in an empty folder that has the package as npm would install it, do what they say. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it, test } from 'vitest';
import { toHex } from '../../src/crypto/hex.ts';
import type { Storage } from '../../src/feed/storage.ts';
import type { Transport } from '../../src/stream/transport.ts';
import { contract } from '../storage/contract.ts';
import { countListeners, transportContract } from '../transport/suite.ts';
import { blocksOf, partsOf, root, textOf } from './page.ts';
import { project, removeProjects } from './project.ts';

afterAll(removeProjects);

async function node(folder: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, args, { cwd: folder })).stdout;
}

interface Running {
  readonly child: ChildProcess;
  /** The next line that it prints. */
  line(): Promise<string>;
}

/** A program that goes on. */
function starting(folder: string, ...args: string[]): Running {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, TCP_PORT: '0', WS_PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return { child, line: async () => (await lines.next()).value };
}

const main = join(root, 'dist/cli/main.js');

/** The words that a page's command, which begins so, gives to `hypercore-wire`, with `changes` made to them. */
function wordsOf(page: string, command: string, changes: Readonly<Record<string, string>>): string[] {
  const text = textOf(page);
  const start = text.indexOf(command);
  if (start === -1) throw new Error(`${page} has no ${command}`);
  let line = text.slice(start).split(/[`\n]/, 1)[0]!;
  for (const [from, to] of Object.entries(changes)) line = line.replaceAll(from, to);
  return line.split(' ').slice(2);
}

/** What a page says that a command prints. */
function printed(page: string, command: string): string {
  const blocks = blocksOf(textOf(page));
  const at = blocks.findIndex(({ language, code }) => language === 'sh' && code.startsWith(command));
  return blocks[at + 1]!.code;
}

async function module<T>(folder: string, file: string): Promise<T> {
  return import(/* @vite-ignore */ pathToFileURL(join(folder, file)).href);
}

describe('transport.md', () => {
  const page = 'docs/how-to/transport.md';
  const folder = project(page);

  it('runs as printed', async () => {
    expect(await node(folder, 'parent.js')).toBe(printed(page, 'node parent.js'));
  });

  /** As much of a child process, or of `process` in one, as the channel between them takes. */
  class End extends EventEmitter {
    other: End | undefined;
    send(message: unknown, sent: (error: Error | null) => void): void {
      const { other } = this;
      const copy = structuredClone(message);
      setImmediate(() => {
        sent(other === undefined ? new Error('the channel is closed') : null);
        other?.emit('message', copy);
      });
    }
    disconnect(): void {
      const { other } = this;
      this.other = undefined;
      if (other !== undefined) other.disconnect();
      this.emit('disconnect');
    }
  }

  transportContract('its transport', {
    async make() {
      const { ipcTransport } = await module<{ ipcTransport: (channel: End) => Transport }>(
        folder,
        'ipc-transport.js',
      );
      const [one, two] = [new End(), new End()];
      one.other = two;
      two.other = one;
      return {
        here: ipcTransport(one),
        there: ipcTransport(two),
        leftovers: () => countListeners([one, two], ['message', 'disconnect']),
        vanish: () => two.disconnect(),
      };
    },
    // Its window, or one chunk of the cases.
    bufferedBytes: 1_048_576,
    onSlowReader: 'waits',
    readOnAbort: 'rejected',
    bulkBytes: 33_554_432,
  });
});

describe('storage.md', () => {
  let made = 0;
  const page = 'docs/how-to/storage.md';
  const folder = project(page);

  it('runs as printed', async () => {
    expect(await node(folder, 'news.js')).toBe(printed(page, 'node news.js'));
  });

  describe('its storage keeps the contract of Storage', () => {
    // A feed gives no wrong numbers, and the page leaves out what checks them.
    const cases = contract.filter(({ name }) => !name.startsWith('refuses offsets'));
    for (const { name, run } of cases) {
      test(name, () =>
        run(async () => {
          const { keyValueStorage } = await module<{
            keyValueStorage: (store: object, name: string) => Storage;
          }>(folder, 'key-value-storage.js');
          const content = new Map<string, unknown>();
          const store = {
            get: async (key: string) => structuredClone(content.get(key)),
            set: async (key: string, value: unknown) => void content.set(key, structuredClone(value)),
            delete: async (key: string) => void content.delete(key),
          };
          const feed = `feed-${made++}`;
          const again = (): Storage => keyValueStorage(store, feed);
          return { storage: again(), again, cleanup: async () => {} };
        }),
      );
    }
  });
});

describe('inspect.md', () => {
  const page = 'docs/how-to/inspect.md';

  it('shows what its program has recorded', async () => {
    const folder = project(page);
    const program = partsOf(textOf(page)).map(({ code }) => code);
    writeFileSync(join(folder, 'talk.mjs'), program.join(''));
    await node(folder, 'talk.mjs', 'talk.jsonl');
    const command = 'npx hypercore-wire inspect talk.jsonl --direction out';
    expect(await node(folder, main, ...wordsOf(page, command, {}))).toBe(printed(page, command));
  });

  it('sits between two peers, as printed', async () => {
    const folder = project(page);
    const share = starting(
      folder,
      main,
      ...wordsOf(page, 'npx hypercore-wire share', { 3282: '0' }),
      '--json',
    );
    try {
      const { key, urls } = JSON.parse(await share.line());
      const between = { '<key>': key, 'tcp://127.0.0.1:3282': urls[0], 4000: '0' };
      const inspect = starting(
        folder,
        main,
        ...wordsOf(page, 'npx hypercore-wire inspect --listen', between),
      );
      const port = /tcp:\/\/127\.0\.0\.1:(\d+)/.exec(await inspect.line())![1]!;
      await node(folder, main, ...wordsOf(page, 'npx hypercore-wire sync', { '<key>': key, 4000: port }));
      expect(readFileSync(join(folder, 'copy.json'))).toEqual(readFileSync(join(folder, 'package.json')));
      const shown: string[] = [];
      while (!/went across/.test(shown.at(-1) ?? '')) shown.push(await inspect.line());
      await stopped(inspect.child);
      const words = wordsOf(page, 'npx hypercore-wire inspect talk.jsonl --key', { '<key>': key });
      const read = (await node(folder, main, ...words)).split('\n');
      const messages = (lines: readonly string[]): string[] =>
        lines.filter((line) => /^ +\d+\.\d{3} +[→←] +\d+ +\d+ +\w+ /.test(line));
      expect(messages(shown).join('\n')).toMatch(/→ .* request .*index 0.*← .* data .*index 0/s);
      expect(messages(read)).toEqual(messages(shown));
    } finally {
      await stopped(share.child);
    }
  });
});

describe('server.md', () => {
  const page = 'docs/how-to/server.md';

  it('runs as printed', async () => {
    const folder = project(page);
    await node(folder, 'write.js');
    const server = serving(folder);
    try {
      const [name, key, ...rest] = (await server.line()).split(' ');
      expect([name, ...rest]).toEqual(['news', '3', 'blocks']);
      const port = portOf(await server.line());
      expect(await node(folder, 'client.js', key!, port)).toBe(printed(page, 'node client.js'));
      expect(await server.line()).toMatch(/connected$/);
      expect(await server.line()).toMatch(/left: remote-closed$/);
      await expect(node(folder, 'write.js')).rejects.toThrow('[locked]');
    } finally {
      expect(await stopped(server.child)).toBe(0);
    }
  });

  it('relays a feed of which it has only the key', async () => {
    const [author, relay] = [project(page), project(page)];
    await node(author, 'write.js');
    const key = readFileSync(join(author, 'feeds/news/key'));
    await node(relay, 'follow.js', toHex(key));
    expect(readdirSync(join(relay, 'feeds/theirs'))).toEqual(['key']);
    expect(readFileSync(join(relay, 'feeds/theirs/key'))).toEqual(key);
    const server = serving(relay);
    try {
      expect(await server.line()).toBe(`theirs ${toHex(key)} 0 blocks`);
      const port = portOf(await server.line());
      const offer = starting(author, 'offer.js', port, '127.0.0.1');
      for (let block = 0; block < 3; block++) expect(await offer.line()).toMatch(/^gave block [012]$/);
      expect(await node(relay, 'client.js', toHex(key), port)).toBe(printed(page, 'node client.js'));
      // And without the writer.
      await stopped(offer.child);
      expect(await node(relay, 'client.js', toHex(key), port)).toBe(printed(page, 'node client.js'));
    } finally {
      expect(await stopped(server.child)).toBe(0);
    }
    // What the command line does with such a folder is the same.
    rmSync(join(relay, 'feeds'), { recursive: true });
    await node(relay, 'follow.js', toHex(key));
    const words = wordsOf(page, 'npx hypercore-wire share', {});
    const share = starting(relay, main, ...words, '--json');
    try {
      const { urls } = JSON.parse(await share.line());
      const offer = starting(author, 'offer.js', new URL(urls[0]).port, '127.0.0.1');
      for (let block = 0; block < 3; block++) expect(await offer.line()).toMatch(/^gave block [012]$/);
      await stopped(offer.child);
    } finally {
      await stopped(share.child);
    }
  });
});

/** `server.js` of a folder, on free ports. */
function serving(folder: string): Running {
  return starting(folder, 'server.js');
}

/** The port that `server.js` says it listens on for TCP. */
function portOf(line: string): string {
  return /^tcp:\/\/127\.0\.0\.1:(\d+) ws:/.exec(line)![1]!;
}

/** Interrupts a program, and waits for it to end; its exit code. */
function stopped(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGINT');
  });
}
