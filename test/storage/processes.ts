/** Processes that hold folders, for tests of what happens between processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** A child process of `holder.ts`. */
export interface HolderProcess {
  readonly child: ChildProcess;
  /** Sends a line; resolves to the answer: `done`, or an error's code. */
  tell(line: 'open' | 'write' | 'close'): Promise<string>;
  /** kill -9, and the end of it. */
  kill(): Promise<void>;
}

/** Bundles `holder.ts`. Resolves to the file's path. */
export const bundleHolder = (): Promise<string> => bundle(new URL('./holder.ts', import.meta.url));

/** Bundles a module to JavaScript, since not every Node runs TypeScript. Resolves to the file's path. */
export async function bundle(url: URL): Promise<string> {
  const entry = fileURLToPath(url);
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: { ssr: entry, write: false, target: 'node20', rolldownOptions: { input: entry } },
  });
  const [{ output }] = [built].flat() as { output: { type: string; code?: string }[] }[] as [
    { output: { type: string; code?: string }[] },
  ];
  const path = join(await mkdtemp(join(tmpdir(), 'holder-')), 'holder.mjs');
  await writeFile(path, output.map(({ code = '' }) => code).join('\n'));
  return path;
}

/** Starts a process on a folder; it does nothing yet. */
export function startHolder(script: string, folder: string): HolderProcess {
  const child = spawn(process.execPath, [script, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    child,
    async tell(line) {
      child.stdin!.write(`${line}\n`);
      return String((await answers.next()).value);
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
