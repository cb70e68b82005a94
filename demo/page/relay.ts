/**
 * What stands between two peers: it hands on every byte, shows every message as it passes, and does to the line
 * what the person asks for.
 */
import type { Transport } from 'hypercore-wire';
import { type Direction, Inspector, type MessageEvent as Message } from 'hypercore-wire/inspect';

/** What the person can do to the line. It is read for every message. */
export interface Line {
  /** Milliseconds before each message. */
  pauseMs: number;
  /** Damages the next block that passes, and then that one as often as it is sent. */
  flips: 'nothing' | 'next' | number;
}

/** The byte of a frame of which a bit was flipped, by its offset there. */
export type Flip = number | undefined;

/** A message, as it was handed on. */
export interface Passed {
  readonly message: Message;
  /** Milliseconds since the connection. */
  readonly time: number;
  readonly flip: Flip;
}

export interface RelayOptions {
  readonly keys: readonly string[];
  readonly line: Line;
  /** Called for each message when it is handed on. */
  onPassed(passed: Passed): void;
  /** Called for all bytes when they are handed on, and when a direction has ended. */
  onBytes(direction: Direction, bytes: Uint8Array | undefined): void;
  /** Called for what is odd about what came. */
  onNotice(text: string): void;
}

/** A part of a chunk, up to the end of a message, or what comes of one that is not whole yet. */
interface Piece {
  readonly bytes: Uint8Array;
  readonly message?: Message;
}

export class Relay {
  readonly #left: Transport;
  readonly #right: Transport;
  readonly #options: RelayOptions;
  readonly #inspector: Inspector;
  readonly #since: number = performance.now();
  /** Bytes that came, by direction. */
  readonly #received: Record<Direction, number> = { out: 0, in: 0 };
  /** The messages that the chunk being looked at makes whole. */
  #found: Message[] = [];
  readonly #wake = new Set<() => void>();
  #isCut = false;

  /** Between `left`, whose bytes go `out`, and `right`, whose bytes come `in`. */
  constructor(left: Transport, right: Transport, options: RelayOptions) {
    this.#left = left;
    this.#right = right;
    this.#options = options;
    this.#inspector = new Inspector({
      keys: options.keys,
      listener: (event) => {
        if (event.event === 'message') this.#found.push(event);
        if (event.event === 'warning' || event.event === 'fault') options.onNotice(event.text);
      },
    });
  }

  /** Resolves when both directions have ended, however that was. */
  async run(): Promise<void> {
    const ways = [
      this.#right.sink(this.#forward('out', this.#left.source)),
      this.#left.sink(this.#forward('in', this.#right.source)),
    ];
    // Where one way fails, the other has to end too.
    for (const way of ways) way.catch((error) => this.cut(error));
    await Promise.allSettled(ways);
  }

  /** Ends both at once, in the middle of whatever is under way. */
  cut(reason: unknown = new Error('the link was cut')): void {
    this.#isCut = true;
    this.#left.abort(reason);
    this.#right.abort(reason);
    for (const wake of this.#wake) wake();
  }

  async *#forward(direction: Direction, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of source) {
      for (const { bytes, message } of this.#pieces(direction, chunk)) {
        await this.#pause();
        if (this.#isCut) return;
        if (message !== undefined) {
          this.#options.onPassed({ message, time: this.#now(), flip: this.#flip(message, bytes) });
        }
        this.#options.onBytes(direction, bytes);
        yield bytes;
      }
    }
    this.#options.onBytes(direction, undefined);
  }

  /** Cut behind each message, so that one after the other can be seen to pass. */
  *#pieces(direction: Direction, chunk: Uint8Array): Generator<Piece, void> {
    const before = this.#received[direction];
    this.#received[direction] += chunk.byteLength;
    this.#inspector.push(direction, chunk, this.#now());
    let start = 0;
    for (const message of this.#found.splice(0)) {
      const end = message.offset + message.byteLength - before;
      yield { bytes: chunk.subarray(start, end), message };
      start = end;
    }
    if (start < chunk.byteLength) yield { bytes: chunk.subarray(start) };
  }

  /**
   * Flips a bit of a block, where that is asked for, in `bytes`, which end where the message ends. The cipher has no
   * authentication, so that whoever is on the line can do this without the key, if not so precisely.
   */
  #flip(message: Message, bytes: Uint8Array): Flip {
    const { line } = this.#options;
    if (line.flips === 'nothing' || message.message.type !== 'data') return undefined;
    const { index } = message.message;
    if (line.flips !== 'next' && line.flips !== index) return undefined;
    const value = message.frame.fields.find(({ name, kind }) => kind === 'value' && name === 'value');
    if (value === undefined) return undefined;
    const at = Math.floor((value.start + value.end) / 2);
    const inBytes = bytes.byteLength - message.byteLength + at;
    // The part of the message with this byte has been handed on already.
    if (inBytes < 0) return undefined;
    line.flips = index;
    bytes[inBytes]! ^= 1;
    return at;
  }

  #now(): number {
    return performance.now() - this.#since;
  }

  async #pause(): Promise<void> {
    const { pauseMs } = this.#options.line;
    if (pauseMs === 0 || this.#isCut) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake.delete(done);
        resolve();
      };
      const timer = setTimeout(done, pauseMs);
      this.#wake.add(done);
    });
  }
}
