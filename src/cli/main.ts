#!/usr/bin/env node
/** The command `hypercore-wire`: from the words after its name to an exit code. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, parseCommand } from './arguments.ts';
import { asCommandError, type ExitCode, exitCodes } from './exit.ts';
import { inspect } from './inspect.ts';
import { type Output, output } from './output.ts';
import { interruption } from './process.ts';
import { share } from './share.ts';
import { sync } from './sync.ts';
import { usage } from './usage.ts';

process.exitCode = await runCommand(process.argv.slice(2));

/** Never rejects. */
async function runCommand(words: readonly string[]): Promise<ExitCode> {
  let said = output(words.includes('--json'), isDataOnStdout(words));
  const interrupt = interruption();
  try {
    const command = parseOrTell(words, said);
    if (command.name !== 'help' && command.name !== 'version') {
      said = output(command.json, command.name === 'sync' && command.out === '-');
    }
    await run(command, said, interrupt.signal);
    return exitCodes.ok;
  } catch (error) {
    const { exit, message } = asCommandError(error);
    if (exit !== exitCodes.interrupted) said.failure(message);
    return exit;
  } finally {
    interrupt.dispose();
  }
}

async function run(command: Command, said: Output, signal: AbortSignal): Promise<void> {
  switch (command.name) {
    case 'help':
      process.stdout.write(usage(command.about));
      return;
    case 'version':
      process.stdout.write(`${await version()}\n`);
      return;
    case 'share':
      return share(command, said, signal);
    case 'sync':
      return sync(command, said, signal);
    case 'inspect':
      return inspect(command, said, signal);
  }
}

/** A program that reads `--json` waits for a last line, even if the command line makes no sense. */
function parseOrTell(words: readonly string[], said: Output): Command {
  try {
    return parseCommand(words);
  } catch (error) {
    const numbers = { length: 0, byteLength: 0, downloaded: 0, bytes: 0, seconds: 0 };
    said.event({
      event: 'failed',
      ...(words[0] === 'sync' ? numbers : {}),
      error: asCommandError(error).message,
    });
    throw error;
  }
}

/** Whether the words ask for `--out -`, even if they make no sense as a whole. */
function isDataOnStdout(words: readonly string[]): boolean {
  return words.some((word, i) => word === '--out=-' || (word === '--out' && words[i + 1] === '-'));
}

/** From the package's own description, which is two folders up, in the source as in the build. */
async function version(): Promise<string> {
  const here = dirname(fileURLToPath(import.meta.url));
  const text = await readFile(join(here, '..', '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
