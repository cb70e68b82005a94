/** A capture file that is written while peers talk. */
import { once } from 'node:events';
import { open, rm } from 'node:fs/promises';
import { type CaptureEvent, captureHeader, captureLine } from '../../inspect/index.ts';
import { CommandError, exitCodes, machineError } from '../exit.ts';

/** Where the lines go. */
export interface Save {
  write(event: Exclude<CaptureEvent, { type: 'note' | 'missing' }>): void;
  /** Waits until the disk has taken what was written, but for a little. Rejects once it has failed. */
  drained(): Promise<void>;
  /** Removes the file again, where nothing came of it. */
  discard(): Promise<void>;
  /** Resolves once all is written. @throws CommandError where not all could be. */
  close(): Promise<void>;
}

/**
 * Makes the file, and `onError` is told if it cannot be written later.
 * @throws CommandError where it cannot be made, or is there already.
 */
export async function save(path: string, onError: (error: CommandError) => void): Promise<Save> {
  const handle = await open(path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST'
      ? new CommandError(exitCodes.machine, `${path} exists already: name another file with --save`, error)
      : machineError(path, error);
  });
  const stream = handle.createWriteStream();
  let failure: CommandError | undefined;
  stream.on('error', (error) => {
    failure ??= machineError(path, error);
    onError(failure);
  });
  stream.write(captureHeader(new Date().toISOString()));
  return {
    write(event) {
      if (failure === undefined)
        stream.write(captureLine({ ...event, time: Math.round(event.time * 1000) / 1000 }));
    },
    async drained() {
      if (failure !== undefined) throw failure;
      if (stream.writableNeedDrain) await once(stream, 'drain');
    },
    async discard() {
      stream.destroy();
      await rm(path, { force: true });
    },
    async close() {
      if (failure !== undefined) throw failure;
      stream.end();
      await once(stream, 'close');
      if (failure !== undefined) throw failure;
    },
  };
}
