/** How far a command is, as a bar on a terminal. */
import type { SingleBar } from 'cli-progress';
import { readableBytes } from './output.ts';

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
    // Ctrl-C is ours: see interruption.ts.
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
