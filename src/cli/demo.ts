/**
 * `npm start`: shares the small feed that ships with the package, syncs it in a second process over TCP, tells
 * what was verified and what to try next, and serves on until Ctrl-C, in a checkout with a page that shows the wire.
 */
import { spawn } from 'node:child_process';
import { cp, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { asCommandError, CommandError, exitCodes } from './exit.ts';
import { blocks, type CommandEvent, type Output, output, progressBar, readableBytes } from './output.ts';
import { type ServedPage, servePage } from './page.ts';
import { aborted, interruption, temporaryFolder } from './process.ts';
import { type Sharing, startSharing } from './share.ts';

const here = dirname(fileURLToPath(import.meta.url));
const shipped = join(here, '..', '..', 'demo', 'feed');
const builtPage = join(here, '..', '..', 'demo', 'page', 'dist');
const main = join(here, 'main.js');

const said = output(false);
const interrupt = interruption();
try {
  await demo(said, interrupt.signal);
} catch (error) {
  const { exit, message } = asCommandError(error);
  // Ctrl-C is how a demo ends.
  if (exit !== exitCodes.interrupted) {
    said.failure(message);
    process.exitCode = exit;
  }
} finally {
  interrupt.dispose();
}

async function demo(output: Output, signal: AbortSignal): Promise<void> {
  const temporary = await temporaryFolder();
  try {
    // What ships stays as it is: to serve a folder is to lock it.
    const path = join(temporary.path, 'feed');
    await cp(shipped, path, { recursive: true });
    const sharing = await startSharing(
      {
        name: 'share',
        path,
        dir: undefined,
        tcp: 0,
        ws: 0,
        origins: [],
        host: '127.0.0.1',
        json: false,
      },
      output,
      signal,
    );
    let page: ServedPage | undefined;
    try {
      page = await servePage(builtPage, { key: sharing.key, url: sharing.urls[1]! });
      await show(sharing, page, join(temporary.path, 'demo.txt'), output, signal);
      await aborted(signal);
    } finally {
      await page?.close();
      await sharing.close();
    }
  } finally {
    await temporary.remove();
  }
}

async function show(
  sharing: Sharing,
  page: ServedPage | undefined,
  out: string,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const { feed, key, urls } = sharing;
  output.line(
    `Sharing the feed that ships with this package: ${blocks(feed.length)}, ${readableBytes(feed.byteLength)}.`,
  );
  output.line(`Key: ${key}\n`);
  output.line(`A second process syncs it from ${urls[0]}:`);
  const { downloaded, bytes, seconds } = await syncInSecondProcess(sharing, out, output, signal);
  output.line(
    `Verified ${downloaded} of ${blocks(feed.length)}, ${bytes} bytes, in ${seconds} s: each was hashed up the ` +
      'tree to roots that are signed with the key above.\n',
  );
  const text = await readFile(out, 'utf8');
  for (const line of text.split('\n').slice(0, 5)) output.line(`  | ${line}`);
  const command = `node dist/cli/main.js sync ${key} ${urls[0]}`;
  output.line('\nTry it in a second terminal, in this folder, while this one keeps serving:\n');
  output.line(`  ${command} --out demo.txt`);
  output.line('\nor only a few blocks:\n');
  output.line(`  ${command} --blocks 80..84 --out -`);
  if (page !== undefined)
    output.line(`\nor watch two peers talk, byte by byte, in a browser:\n\n  ${page.url}`);
  output.line('\nServing until Ctrl-C.');
}

/** The last line of `sync --json`, once that has exited with 0. */
async function syncInSecondProcess(
  { feed, key, urls: [url] }: Sharing,
  out: string,
  output: Output,
  signal: AbortSignal,
): Promise<CommandEvent> {
  const bar = await progressBar(output.terminal, '  verified', 'blocks');
  const child = spawn(process.execPath, [main, 'sync', key, url!, '--out', out, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('exit', resolve);
  });
  const onAbort = (): void => void child.kill('SIGINT');
  signal.addEventListener('abort', onAbort);
  let last: CommandEvent = { event: 'none' };
  try {
    for await (const line of createInterface(child.stdout)) {
      last = JSON.parse(line) as CommandEvent;
      if (last.event !== 'progress') continue;
      bar.update(Number(last.held), Number(last.wanted), Number(last.bytes));
      if (output.terminal === undefined) output.line(`  verified ${last.held} of ${blocks(feed.length)}`);
    }
    const code = await exited;
    if (signal.aborted) throw signal.reason;
    if (code !== 0) {
      throw new CommandError(exitCodes.machine, `the second process failed: ${last.error ?? `exit ${code}`}`);
    }
    return last;
  } finally {
    bar.stop();
    signal.removeEventListener('abort', onAbort);
  }
}
