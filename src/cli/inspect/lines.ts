/** An event as lines for people. */
import { styleText } from 'node:util';
import type {
  CapturedEvent,
  DirectionStatistics,
  InspectedField,
  InspectedFrame,
  MessageEvent,
  StatisticsEvent,
} from '../../inspect/index.ts';
import { blocks, readableBytes } from '../output.ts';
import { byteRows } from './bytes.ts';

/** Characters of one field's value. */
const SHOWN = 96;
type Style = Parameters<typeof styleText>[0];

/** Says of which connection it speaks where that changes. */
export class Lines {
  readonly #withBytes: boolean;
  readonly #hasColours: boolean;
  #connection: number | undefined;

  constructor(withBytes: boolean, hasColours: boolean) {
    this.#withBytes = withBytes;
    this.#hasColours = hasColours;
  }

  of(event: CapturedEvent): string[] {
    if (event.event === 'note') return [this.#styled('yellow', `note: ${plain(event.text)}`)];
    const lines = this.#about(event);
    const isOther = event.connection !== this.#connection && event.event !== 'connection';
    if (isOther && (event.connection > 1 || this.#connection !== undefined)) {
      lines.unshift(this.#styled('bold', `connection ${event.connection}:`));
    }
    this.#connection = event.connection;
    return lines;
  }

  #about(event: Exclude<CapturedEvent, { event: 'note' }>): string[] {
    switch (event.event) {
      case 'connection': {
        const { connection, from, to } = event;
        const who = from === undefined || to === undefined ? '' : `: ${plain(from)} → ${plain(to)}`;
        return [this.#styled('bold', `connection ${connection}${who}`)];
      }
      case 'message':
        return [this.#message(event), ...(this.#withBytes ? this.#bytes(event.frame) : [])];
      case 'warning':
        return [this.#styled('yellow', `${place(event)}  ${plain(event.text)}`)];
      case 'fault':
        return [this.#styled('red', `${place(event)}  ${plain(event.text)}`)];
      case 'end':
        return [`${place(event)}  ended${event.error === undefined ? '' : `: ${plain(event.error)}`}`];
      case 'statistics':
        return this.#statistics(event);
      case 'verdict':
        return [this.#styled(event.ok ? 'green' : 'red', plain(event.text))];
    }
  }

  #message(event: MessageEvent): string {
    const { channel, type, frame, message } = event;
    const start = `${place(event)}  ${type === 'keepalive' ? '   ' : String(channel).padStart(3)}  `;
    const what = event.extension === undefined ? '' : `${plain(event.extension)}: `;
    const fields = message.type === 'unreadable' ? plain(message.reason) : fieldsText(frame.fields);
    return `${start}${this.#styled(styleOf[type] ?? 'bold', type.padEnd(9))}  ${what}${fields}`.trimEnd();
  }

  #bytes(frame: InspectedFrame): string[] {
    const rows = byteRows(frame).map(({ bytes, wire, field, depth }) => {
      const about =
        field === undefined ? '' : `${'  '.repeat(depth)}${field.name}  ${cut(plain(field.text))}`;
      return `    ${bytes}  ${wire}  ${this.#styled(field?.kind === 'value' ? 'cyan' : 'gray', about)}`.trimEnd();
    });
    return rows;
  }

  #statistics({ out, in: back }: StatisticsEvent): string[] {
    return ['', ...sums('→', out), ...sums('←', back)];
  }

  #styled(style: Style, text: string): string {
    return this.#hasColours ? styleText(style, text, { validateStream: false }) : text;
  }
}

const styleOf: Partial<Record<MessageEvent['type'], 'green' | 'magenta' | 'gray' | 'red' | 'cyan'>> = {
  data: 'green',
  request: 'cyan',
  extension: 'magenta',
  keepalive: 'gray',
  unassigned: 'gray',
  unreadable: 'red',
};

function place({
  time,
  direction,
  offset,
}: {
  time: number;
  direction: 'out' | 'in';
  offset: number;
}): string {
  return `${(time / 1000).toFixed(3).padStart(9)}  ${direction === 'out' ? '→' : '←'}  ${String(offset).padStart(8)}`;
}

/** The values, and within brackets those of the messages inside. */
function fieldsText(fields: readonly InspectedField[]): string {
  return fields
    .filter(({ kind, name }) => kind === 'value' || (kind === 'unknown' && name === 'rest'))
    .map(({ name, text, fields: inner }) => {
      const isMessage = inner?.some(({ kind }) => kind === 'tag') === true;
      return isMessage ? `${name} (${fieldsText(inner ?? [])})` : `${name} ${cut(plain(text))}`;
    })
    .join(', ');
}

function cut(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

function sums(arrow: string, sides: DirectionStatistics): string[] {
  const { bytes, frames, unreadBytes, blocks: blockCount, blockBytes, types } = sides;
  const parts = [`${readableBytes(bytes)} in ${frames} ${frames === 1 ? 'frame' : 'frames'}`];
  if (blockCount > 0) parts.push(`${blocks(blockCount)} of ${readableBytes(blockBytes)}`);
  if (unreadBytes > 0) parts.push(`${readableBytes(unreadBytes)} not read`);
  const byType = Object.entries(types).map(([type, { frames: count }]) => `${count} ${type}`);
  return [`${arrow}  ${parts.join(', ')}`, ...(byType.length > 0 ? [`   ${byType.join(', ')}`] : [])];
}

/** Without what a terminal would act on: it is a peer's text. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029]/gu, '\ufffd');
}
