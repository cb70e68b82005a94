/** `inspect` in this process: what it tells, as it tells it. */
import { parseCommand } from '../../src/cli/arguments.ts';
import { CommandError, interrupted } from '../../src/cli/exit.ts';
import { inspect } from '../../src/cli/inspect.ts';
import type { CommandEvent, Output } from '../../src/cli/output.ts';

export interface Inspecting {
  readonly events: readonly CommandEvent[];
  readonly lines: readonly string[];
  /** The first event with this name, once it is there. */
  event(name: string): Promise<CommandEvent>;
  /** As Ctrl-C does; resolves with the exit code. */
  stop(): Promise<number>;
  /** The exit code, and what is said of it. */
  readonly ended: Promise<{ code: number; message: string }>;
}

/** Starts `inspect` with these words. */
export function inspecting(...words: string[]): Inspecting {
  const command = parseCommand(['inspect', ...words]);
  if (command.name !== 'inspect') throw new TypeError('these words are no inspection');
  const events: CommandEvent[] = [];
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const output: Output = {
    json: command.json,
    event(event) {
      if (command.json) events.push(event);
      for (const check of waiting) check();
    },
    line: (text) => !command.json && lines.push(text),
    note() {},
    failure() {},
    terminal: undefined,
  };
  const controller = new AbortController();
  const ended = inspect(command, output, controller.signal).then(
    () => ({ code: 0, message: '' }),
    (error: unknown) => {
      if (!(error instanceof CommandError)) throw error;
      return { code: error.exit, message: error.message };
    },
  );
  return {
    events,
    lines,
    ended,
    event: (name) =>
      new Promise((resolve) => {
        const check = (): void => {
          const found = events.find(({ event }) => event === name);
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
    async stop() {
      controller.abort(interrupted());
      return (await ended).code;
    },
  };
}

/** Without what no two sessions have in common. */
export function comparable(events: readonly CommandEvent[]): string[] {
  return events
    .filter(({ event }) => event === 'message')
    .map(({ time, offset, ...rest }) => JSON.stringify(rest))
    .sort();
}
