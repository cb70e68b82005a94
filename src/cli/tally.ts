/** What a run of `sync` has done so far, and how far it is: counted for the last line, shown on the way. */
import type { Feed } from '../index.ts';
import type { BlockRange } from './arguments.ts';
import type { Output } from './output.ts';
import { type ProgressBar, progressBar } from './progress.ts';

/** Milliseconds between two progress lines, or strokes of the bar. */
const PROGRESS_MS = 250;

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

  /** Counts and shows no more. Idempotent. To be called while the feed is open. */
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
