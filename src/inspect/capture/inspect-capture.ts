/** A whole capture, each of its connections read by an inspector of its own. */
import type { InspectEvent } from '../events.ts';
import { Inspector, type InspectorOptions } from '../inspector.ts';
import type { CaptureEvent } from './events.ts';
import { CaptureReader } from './reader.ts';

/** What an inspector tells of a connection, or what the capture itself does. */
export type CapturedEvent =
  | (InspectEvent & { readonly connection: number })
  | ConnectionEvent
  /** Something in the file that could not be read, and was passed over. */
  | { readonly event: 'note'; readonly text: string };

/** A connection begins: `from` has connected to `to`, as far as the capture says. */
export interface ConnectionEvent {
  readonly event: 'connection';
  /** Counts from 1. */
  readonly connection: number;
  readonly time: number;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** What a {@link CaptureInspector} can be told. */
export interface CaptureInspectorOptions extends Omit<InspectorOptions, 'listener'> {
  /** As for an `Inspector`. */
  readonly listener: (event: CapturedEvent) => void;
  /** Only the connection with this number. */
  readonly connection?: number | undefined;
}

/** Takes the bytes of a capture file, in any chunking and of any format that {@link CaptureReader} knows. */
export class CaptureInspector {
  readonly #options: CaptureInspectorOptions;
  readonly #inspectors = new Map<number, Inspector>();
  readonly #reader: CaptureReader;
  #time = 0;

  /** @throws TypeError, RangeError for invalid options. */
  constructor(options: CaptureInspectorOptions) {
    this.#options = { ...options, keys: [...options.keys] };
    // What is wrong with the options is told now, and not in the middle of a file.
    new Inspector({ ...this.#options, listener: () => {} });
    this.#reader = new CaptureReader((event) => this.#onEvent(event));
  }

  /** Leaves `chunk` as it is. */
  push(chunk: Uint8Array): void {
    this.#reader.push(chunk);
  }

  /** The file has ended: tells of each connection what to make of it. */
  end(): void {
    this.#reader.end();
    for (const inspector of this.#inspectors.values()) inspector.finish(this.#time);
    this.#inspectors.clear();
  }

  #onEvent(event: CaptureEvent): void {
    const { listener, connection: only } = this.#options;
    if (event.type === 'note') return listener({ event: 'note', text: event.text });
    const { connection, time } = event;
    this.#time = Math.max(this.#time, time);
    if (only !== undefined && connection !== only) return;
    if (event.type === 'connection') {
      this.#inspectors.set(connection, this.#inspector(connection));
      return listener({ event: 'connection', connection, time, from: event.from, to: event.to });
    }
    const inspector = this.#inspectors.get(connection);
    if (event.type === 'bytes') inspector?.push(event.direction, event.bytes, time);
    if (event.type === 'missing') inspector?.missing(event.direction, event.byteLength, time);
    if (event.type === 'end') inspector?.end(event.direction, time, event.error);
  }

  #inspector(connection: number): Inspector {
    const { listener, ...rest } = this.#options;
    return new Inspector({ ...rest, listener: (event) => listener({ ...event, connection }) });
  }
}
