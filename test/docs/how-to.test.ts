/** The how-tos: their files, in an empty folder that has the package as npm would install it, do what they say. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it, test } from 'vitest';
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
    const command = blocksOf(textOf(page)).find(({ code }) => code.includes('--direction out'))!.code;
    const words = command.trim().split(' ').slice(2);
    const printedBy = await node(folder, join(root, 'dist/cli/main.js'), ...words);
    expect(printedBy).toBe(printed(page, command));
  });
});

describe('server.md', () => {
  const page = 'docs/how-to/server.md';

  it('runs as printed', async () => {
    const folder = project(page);
    await node(folder, 'write.js');
    const server = spawn(process.execPath, ['server.js'], {
      cwd: folder,
      env: { ...process.env, TCP_PORT: '0', WS_PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface(server.stdout)[Symbol.asyncIterator]();
    const line = async (): Promise<string> => (await lines.next()).value;
    try {
      const [name, key, ...rest] = (await line()).split(' ');
      expect([name, ...rest]).toEqual(['news', '3', 'blocks']);
      const port = /^tcp:\/\/127\.0\.0\.1:(\d+) ws:/.exec(await line())![1]!;
      expect(await node(folder, 'client.js', key!, port)).toBe(printed(page, 'node client.js'));
      expect(await line()).toMatch(/connected$/);
      expect(await line()).toMatch(/left: remote-closed$/);
      await expect(node(folder, 'write.js')).rejects.toThrow('[locked]');
    } finally {
      expect(await stopped(server)).toBe(0);
    }
  });
});

/** Interrupts a program, and waits for it to end; its exit code. */
function stopped(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGINT');
  });
}
