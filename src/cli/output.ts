/** Where a command speaks: JSON lines for programs, sentences for people. */

/** One line of `--json`: what happened, and its numbers. */
export interface CommandEvent {
  readonly event: string;
  readonly [name: string]: unknown;
}

export interface Output {
  readonly json: boolean;
  /** A line for programs; nothing without `--json`. */
  event(event: CommandEvent): void;
  /** A line for people; nothing with `--json`. */
  line(text: string): void;
  /** A line for people that only a terminal shows: what is under way, not what came of it. */
  note(text: string): void;
  /** Why the command ends; on stderr, also with `--json` unless that goes there. */
  failure(text: string): void;
  /** The terminal to draw a progress bar on, where there is one to look at. */
  readonly terminal: NodeJS.WriteStream | undefined;
}

/** Speaks on stdout; on stderr where the blocks themselves go to stdout. */
export function output(json: boolean, isDataOnStdout = false): Output {
  const stream = isDataOnStdout ? process.stderr : process.stdout;
  const say = speaker(stream);
  const warn = speaker(process.stderr);
  const terminal = !json && process.stderr.isTTY ? process.stderr : undefined;
  return {
    json,
    terminal,
    event: (event) => json && say(JSON.stringify(event)),
    line: (text) => !json && say(text),
    note: (text) => terminal !== undefined && warn(text),
    failure: (text) => (!json || stream !== process.stderr) && warn(`hypercore-wire: ${text}`),
  };
}

/** Writes lines until the reader is gone (`| head`): the command then goes on without a word. */
function speaker(stream: NodeJS.WriteStream): (line: string) => void {
  let isOpen = true;
  stream.on('error', () => {
    isOpen = false;
  });
  return (line) => {
    if (isOpen) stream.write(`${line}\n`);
  };
}

/** Bytes as a person reads them. */
export function readableBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`;
  let value = bytes;
  for (const unit of ['kB', 'MB', 'GB']) {
    value /= 1000;
    if (value < 999.5) return `${value.toPrecision(3)} ${unit}`;
  }
  return `${(value / 1000).toPrecision(3)} TB`;
}

/** `1 block`, `2 blocks`. */
export function blocks(count: number): string {
  return `${count} ${count === 1 ? 'block' : 'blocks'}`;
}
