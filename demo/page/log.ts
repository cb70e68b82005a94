/** What happened in a conversation, in order: the latest of it, so that a page may stay open for days. */
import type { Passed } from './relay.ts';

export type Tone = 'plain' | 'good' | 'bad';

/** A message that passed, or something to say between two. */
export type Entry =
  | { readonly id: number; readonly kind: 'message'; readonly passed: Passed }
  | { readonly id: number; readonly kind: 'note'; readonly tone: Tone; readonly text: string };

const MAX_ENTRIES = 20_000;
const MAX_BYTES = 33_554_432;

export class Log {
  #entries: Entry[] = [];
  #bytes = 0;
  #next = 0;
  #forgotten = 0;
  readonly #onChange = new Set<() => void>();

  /** What is kept, oldest first. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** How many are not kept any more. */
  get forgotten(): number {
    return this.#forgotten;
  }

  message(passed: Passed): void {
    this.#add({ id: this.#next++, kind: 'message', passed });
  }

  note(tone: Tone, text: string): void {
    this.#add({ id: this.#next++, kind: 'note', tone, text });
  }

  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
    this.#forgotten = 0;
    this.#tell();
  }

  onChange(listener: () => void): void {
    this.#onChange.add(listener);
  }

  #add(entry: Entry): void {
    this.#entries.push(entry);
    this.#bytes += sizeOf(entry);
    if (this.#entries.length > MAX_ENTRIES || this.#bytes > MAX_BYTES) this.#forget();
    this.#tell();
  }

  /** A tenth at once: to shift an array is not free. */
  #forget(): void {
    const gone = this.#entries.splice(0, Math.ceil(this.#entries.length / 10));
    this.#forgotten += gone.length;
    for (const entry of gone) this.#bytes -= sizeOf(entry);
  }

  #tell(): void {
    for (const listener of this.#onChange) listener();
  }
}

function sizeOf(entry: Entry): number {
  return entry.kind === 'message' ? 2 * entry.passed.message.byteLength : 0;
}
