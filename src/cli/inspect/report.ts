/** What the inspectors tell, as the person asked for it: filtered, and in lines for people or for programs. */
import { once } from 'node:events';
import type { CapturedEvent } from '../../inspect/index.ts';
import type { Output } from '../output.ts';
import type { Shown } from './arguments.ts';
import { jsonOf } from './json.ts';
import { Lines } from './lines.ts';

export interface Report {
  tell(event: CapturedEvent): void;
  /** Waits where stdout takes no more, so that what is told does not pile up. */
  drained(): Promise<void>;
}

/** Tells on `output`, with colours where a person looks at a terminal that has them. */
export function report(shown: Shown, output: Output): Report {
  const lines = new Lines(shown.bytes, hasColours());
  return {
    tell(event) {
      if (!isShown(event, shown)) return;
      if (output.json) output.event(jsonOf(event, shown.bytes));
      else for (const line of lines.of(event)) output.line(line);
    },
    async drained() {
      const { stdout } = process;
      if (!stdout.writableNeedDrain || stdout.destroyed) return;
      await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch(() => {});
    },
  };
}

function isShown(event: CapturedEvent, shown: Shown): boolean {
  if (event.event === 'note') return true;
  if (shown.connection !== undefined && event.connection !== shown.connection) return false;
  if (shown.direction !== undefined && 'direction' in event && event.direction !== shown.direction)
    return false;
  if (event.event !== 'message') return true;
  if (shown.channel !== undefined && event.channel !== shown.channel) return false;
  return shown.types?.has(event.type) ?? true;
}

/** See https://no-color.org. */
function hasColours(): boolean {
  const { NO_COLOR, TERM } = process.env;
  return process.stdout.isTTY === true && !NO_COLOR && TERM !== 'dumb';
}
