/** `inspect`: what two peers say to each other, from a capture or from in between. */
import { createReadStream } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import { CaptureInspector } from '../inspect/index.ts';
import { asCommandError, CommandError, exitCodes, reasonOf } from './exit.ts';
import type { InspectCommand, RelaySource } from './inspect/arguments.ts';
import { between } from './inspect/between.ts';
import { report } from './inspect/report.ts';
import type { Output } from './output.ts';

/** @throws CommandError at the end of what has no end of its own, and where this machine fails. */
export async function inspect(command: InspectCommand, output: Output, signal: AbortSignal): Promise<void> {
  const { source } = command;
  try {
    if ('capture' in source) await readCapture(source.capture, command, output, signal);
    else await between(command as InspectCommand & { source: RelaySource }, output, signal);
  } catch (error) {
    const end = asCommandError(error);
    output.event({ event: 'failed', error: end.message });
    throw end;
  }
}

async function readCapture(
  path: string,
  { keys, show }: InspectCommand,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const told = report(show, output);
  let connections = 0;
  const inspector = new CaptureInspector({
    keys,
    connection: show.connection,
    listener: (event) => {
      if (event.event === 'connection') connections++;
      told.tell(event);
    },
  });
  const file: Readable = addAbortSignal(signal, path === '-' ? process.stdin : createReadStream(path));
  try {
    for await (const chunk of file) {
      inspector.push(chunk as Uint8Array);
      await told.drained();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new CommandError(exitCodes.machine, `there is no file ${path}: check the path`, error);
    }
    if (!signal.aborted)
      throw new CommandError(exitCodes.machine, `${path} cannot be read: ${reasonOf(error)}`, error);
  }
  // What was read until an interruption has a meaning too.
  inspector.end();
  if (signal.aborted) throw signal.reason;
  if (connections > 0) return;
  const what = show.connection === undefined ? 'nothing' : `no connection ${show.connection}`;
  told.tell({ event: 'note', text: `there is ${what} to read in ${path}` });
}
