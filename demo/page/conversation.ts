/** Two peers and the line between them: one connection after the other, and what passes over each. */
import type { Transport } from 'hypercore-wire';
import type { Log } from './log.ts';
import type { Recorder } from './recorder.ts';
import { type Line, type Passed, Relay } from './relay.ts';

export interface Ends {
  readonly key: string;
  /** What the two are called in a capture. */
  readonly names: readonly [left: string, right: string];
  /** A new connection to each side. */
  left(): Transport | Promise<Transport>;
  right(): Transport | Promise<Transport>;
}

export interface ConversationHost {
  /** The link is there, or is not any more. */
  onLink(isUp: boolean): void;
  onPassed(passed: Passed): void;
}

export class Conversation {
  readonly log: Log;
  readonly line: Line;
  readonly recorder: Recorder;
  readonly #ends: Ends;
  readonly #host: ConversationHost;
  #relay: Relay | undefined;
  #count = 0;

  constructor(ends: Ends, log: Log, line: Line, recorder: Recorder, host: ConversationHost) {
    this.#ends = ends;
    this.log = log;
    this.line = line;
    this.recorder = recorder;
    this.#host = host;
  }

  get isUp(): boolean {
    return this.#relay !== undefined;
  }

  /** Connects the two, until either side hangs up or the link is cut. @throws what the connecting throws. */
  async connect(): Promise<void> {
    if (this.#relay !== undefined) return;
    const { left, right, key, names } = this.#ends;
    const leftEnd = await left();
    const relay = new Relay(leftEnd, await right(), {
      keys: [key],
      line: this.line,
      onPassed: (passed) => {
        this.log.message(passed);
        this.#host.onPassed(passed);
      },
      onBytes: (direction, bytes) => {
        if (bytes === undefined) this.recorder.ended(direction);
        else this.recorder.passed(direction, bytes);
      },
      onNotice: (text) => this.log.note('bad', text),
    });
    this.#relay = relay;
    this.#count++;
    this.recorder.connected(...names);
    if (this.#count > 1) this.log.note('plain', `Connected again: connection ${this.#count}`);
    this.#host.onLink(true);
    await relay.run();
    this.#relay = undefined;
    this.#host.onLink(false);
  }

  cut(): void {
    this.#relay?.cut();
  }
}
