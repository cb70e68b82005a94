/** What a command says: JSON lines for programs, sentences and a progress bar for people. */
import type { SingleBar } from 'cli-progress';
import type { Feed } from '../index.ts';
import type { BlockRange } from './arguments.ts';

/** Milliseconds between two progress lines, or updates of the bar. */
const PROGRESS_MS = 250;

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

/** How far a command is, as a bar on a terminal. */
export interface ProgressBar {
  /** `total` may grow. `bytes` is what has come so far. */
  update(done: number, total: number, bytes: number): void;
  /** Leaves the last state on the screen, and no timer behind. */
  stop(): void;
}

const none: ProgressBar = { update() {}, stop() {} };

/** A bar where there is a terminal to draw it on; the library is loaded only then. */
export async function progressBar(
  terminal: NodeJS.WriteStream | undefined,
  verb: string,
  unit: string,
): Promise<ProgressBar> {
  if (terminal === undefined) return none;
  const { default: cliProgress } = await import('cli-progress');
  const bar: SingleBar = new cliProgress.SingleBar({
    stream: terminal,
    format: `${verb} [{bar}] {value}/{total} ${unit}, {size}, {eta_formatted} left`,
    barCompleteChar: '#',
    barIncompleteChar: '-',
    barsize: 30,
    hideCursor: true,
    // Ctrl-C is ours: see process.ts.
    gracefulExit: false,
  });
  let isStarted = false;
  return {
    update(done, total, bytes) {
      const payload = { size: readableBytes(bytes) };
      if (isStarted) {
        bar.setTotal(total);
        bar.update(done, payload);
      } else if (total > 0) {
        isStarted = true;
        bar.start(total, done, payload);
      }
    },
    stop() {
      if (isStarted) bar.stop();
    },
  };
}

/** The numbers of the last line. */
export interface Summary {
  /** Blocks of the feed, as far as verified. */
  readonly length: number;
  readonly byteLength: number;
  /** Blocks that this run verified and stored, and their bytes. */
  readonly downloaded: number;
  readonly bytes: number;
  readonly seconds: number;
}

/** What a run of `sync` has done so far, and how far it is: shown on the way, and counted for the last line. */
export class Tally {
  readonly #startedAt = performance.now();
  #feed: Feed | undefined;
  #last: Summary | undefined;
  #downloaded = 0;
  #bytes = 0;
  #stop: (() => void) | undefined;

  /** Counts what the feed stores from now on, and shows it until {@link stop}. */
  async watch(feed: Feed, range: BlockRange | undefined, output: Output): Promise<void> {
    this.#feed = feed;
    const bar = await progressBar(output.terminal, 'verified', 'blocks');
    let timer: NodeJS.Timeout | undefined;
    const show = (): void => {
      timer = undefined;
      this.#show(feed, range, output, bar);
    };
    const unsubscribe = feed.subscribe((event) => {
      if (event.type !== 'download') return;
      this.#downloaded++;
      this.#bytes += event.bytes;
      timer ??= setTimeout(show, PROGRESS_MS);
    });
    this.#stop = () => {
      unsubscribe();
      if (timer !== undefined) {
        clearTimeout(timer);
        show();
      }
      bar.stop();
      this.#last = this.summary();
      this.#feed = undefined;
    };
  }

  /** Ends the counting and the showing. Idempotent. */
  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** The numbers as they are now. */
  summary(): Summary {
    const seconds = Math.round(performance.now() - this.#startedAt) / 1000;
    if (this.#feed === undefined && this.#last !== undefined) return { ...this.#last, seconds };
    return {
      length: this.#feed?.length ?? 0,
      byteLength: this.#feed?.byteLength ?? 0,
      downloaded: this.#downloaded,
      bytes: this.#bytes,
      seconds,
    };
  }

  #show(feed: Feed, range: BlockRange | undefined, output: Output, bar: ProgressBar): void {
    const start = range?.start ?? 0;
    const end = range?.end ?? Math.max(feed.length, feed.remoteLength);
    const held = feed.count(start, end);
    bar.update(held, end - start, this.#bytes);
    output.event({ event: 'progress', ...this.summary(), held, wanted: end - start });
  }
}
