/** A file beside one array that is to have the same bytes, with all that was taken from it and given to it. */
import fc from 'fast-check';
import { equals } from 'uint8arrays/equals';
import type { StorageFile } from '../../src/feed/storage.ts';
import { check } from './check.ts';

/** Past the end of what {@link step} may reach. */
const REACH = 300_000;

/** A range, short or long. */
const range = {
  at: fc.oneof(fc.constantFrom(0, 4096, 20_000, 65_536), fc.integer({ min: 0, max: 140_000 })),
  length: fc.oneof(
    fc.integer({ min: 0, max: 20 }),
    fc.constantFrom(4096, 20_000, 65_536),
    fc.integer({ min: 0, max: 140_000 }),
  ),
};

/** Something that is done to a file. `spare` is what the buffer of written bytes has on each side of them. */
export const step = fc.oneof(
  fc.record({
    kind: fc.constantFrom('write' as const, 'adopt' as const, 'adopt' as const),
    ...range,
    spare: fc.constantFrom(0, 7, 100_000),
  }),
  fc.record({ kind: fc.constantFrom('read' as const, 'view' as const, 'discard' as const), ...range }),
);

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Bytes that hardly any two writes have alike, nor two places of a file at a distance of whole pages. */
function patterned(length: number, salt: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = 1 + (((i % 251) * salt) % 255);
  return bytes;
}

/** Bytes that are to stay as they are, and what they were. */
class Fixed {
  readonly bytes: Uint8Array;
  readonly #before: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#before = Uint8Array.from(bytes);
  }

  check(what: string): void {
    check(equals(this.bytes, this.#before), `${what} to stay as it was`);
  }
}

export class Twin {
  readonly #file: StorageFile;
  readonly #discardsToZeros: boolean;
  readonly #bytes = new Uint8Array(REACH);
  /** Bytes that may be anything: 1 for each. */
  readonly #worthless = new Uint8Array(REACH);
  #size = 0;
  readonly #given: Fixed[] = [];
  #views: { readonly at: number; readonly end: number; readonly view: Fixed }[] = [];

  constructor(file: StorageFile, discardsToZeros = false) {
    this.#file = file;
    this.#discardsToZeros = discardsToZeros;
  }

  async run(step: Step, salt: number): Promise<void> {
    const { kind, at, length } = step;
    const end = at + length;
    if (kind === 'write' || kind === 'adopt') {
      const whole = patterned(length + 2 * step.spare, salt);
      const bytes = whole.subarray(step.spare, step.spare + length);
      this.#bytes.set(bytes, at);
      this.#worthless.fill(0, at, end);
      if (length > 0) this.#size = Math.max(this.#size, end);
      this.checkFixed();
      // Something else is written in their place.
      this.#views = this.#views.filter((view) => view.end <= at || view.at >= end);
      if (kind === 'adopt' && this.#file.adopt !== undefined) {
        await this.#file.adopt(at, bytes);
        this.#given.push(new Fixed(whole));
      } else {
        await this.#file.write(at, bytes);
        whole.fill(0xee);
      }
    } else if (kind === 'discard') {
      await this.#file.discard?.(at, length);
      if (this.#discardsToZeros) {
        this.#bytes.fill(0, at, end);
      } else {
        this.#worthless.fill(1, at, end);
        // An end may be cut off.
        if (end >= this.#size) this.#size = await this.#file.size();
      }
    } else if (kind === 'view' && this.#file.view !== undefined) {
      const view = await this.#file.view(at, length);
      this.#compare(at, view);
      this.#views.push({ at, end, view: new Fixed(view) });
    } else {
      const read = await this.#file.read(at, length);
      this.#compare(at, read);
      read.fill(0xdd);
    }
  }

  async check(): Promise<void> {
    check((await this.#file.size()) === this.#size, `a size of ${this.#size}`);
    this.#compare(0, await this.#file.read(0, REACH));
    this.checkFixed();
  }

  checkFixed(): void {
    for (const given of this.#given) given.check('what was handed over');
    for (const { view } of this.#views) view.check('a view');
  }

  #compare(at: number, bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] === this.#bytes[at + i] || this.#worthless[at + i] === 1) continue;
      check(false, `${this.#bytes[at + i]} at ${at + i}, got ${bytes[i]}`);
    }
  }
}

/** Does all steps, and looks at the file after each. */
export async function runBeside(twin: Twin, steps: readonly Step[]): Promise<void> {
  for (const [i, step] of steps.entries()) {
    await twin.run(step, 2 * i + 1);
    await twin.check();
  }
}
