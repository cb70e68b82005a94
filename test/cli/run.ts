/** Runs the built command as a person would: a process of its own, with its own folder for temporary files. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach } from 'vitest';

const dist = fileURLToPath(new URL('../../dist/cli/', import.meta.url));
const running = new Set<ChildProcess>();

afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** A folder of the test file's own, removed after its last test. */
export function workFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'hypercore-wire-cli-test-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A line of `--json`. */
export interface Line {
  readonly event: string;
  readonly [name: string]: unknown;
}

/** How a command ended and all that it said. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** The next JSON line on stdout with this event, or the one that has come already and was not asked for. */
  line(event: string): Promise<Line>;
  /** What is left in the folder for temporary files. */
  temporary(): string[];
}

let count = 0;

/** Starts `dist/cli/<entry>.js`. `work` is where its folder for temporary files is made. */
export function start(work: string, words: readonly string[], entry = 'main'): Running {
  const temporary = join(work, `tmp-${count++}`);
  mkdirSync(temporary);
  const child = spawn(process.execPath, [join(dist, `${entry}.js`), ...words], {
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const chunks: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const lines: Line[] = [];
  const waiting = new Set<() => void>();
  createInterface(child.stdout).on('line', (text) => {
    if (!text.startsWith('{"event"')) return;
    lines.push(JSON.parse(text) as Line);
    for (const check of waiting) check();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => {
      running.delete(child);
      resolve({ code, stdout: Buffer.concat(chunks), stderr });
    });
  });
  return {
    child,
    ended,
    temporary: () => readdirSync(temporary),
    line: (event) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const at = lines.findIndex((line) => line.event === event);
          if (at < 0) return;
          waiting.delete(check);
          resolve(lines.splice(at, 1)[0]!);
        };
        waiting.add(check);
        check();
        void ended.then(({ code }) => reject(new Error(`ended with ${code} before "${event}": ${stderr}`)));
      }),
  };
}

/** Runs a command to its end. */
export function run(work: string, ...words: string[]): Promise<Ended> {
  return start(work, words).ended;
}

/** The JSON lines of an output. */
export function jsonLines(output: Buffer | string): Line[] {
  return output
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

/** The last JSON line. */
export function lastLine({ stdout }: Ended): Line {
  return jsonLines(stdout).at(-1)!;
}

/** Starts `share --json` and waits until it serves. */
export async function share(
  work: string,
  path: string,
  ...options: string[]
): Promise<Running & { key: string; url: string; ready: Line }> {
  const started = start(work, ['share', path, '--json', ...options]);
  const ready = await started.line('ready');
  return { ...started, ready, key: ready.key as string, url: (ready.urls as string[])[0]! };
}
