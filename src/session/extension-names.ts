/** The extension names of the two sides. A message carries the index of its name in the sender's list. */
import { describe } from '../errors.ts';

/** Most sessions have none, and share it. */
const NONE: readonly string[] = [];

/**
 * A side's own names, as they go into its Handshake: sorted by UTF-16 code units, each once. The reference
 * maps names by a merge walk and loses what is not sorted.
 */
export function sortNames(names: readonly string[]): readonly string[] {
  if (names.length === 0) return NONE;
  for (const name of names) {
    if (typeof name !== 'string' || name === '') {
      throw new TypeError(`"extensions" expected names, got ${describe(name)} among them`);
    }
  }
  return [...new Set(names)].sort();
}

/** Which names both sides know, whatever the order in which the remote lists its own. */
export class ExtensionNames {
  readonly #local: readonly string[];
  #remote: readonly string[] | undefined;

  /** `local`: sorted, see {@link sortNames}. */
  constructor(local: readonly string[]) {
    this.#local = local;
  }

  /** This side's names, in the order of their ids. */
  get local(): readonly string[] {
    return this.#local;
  }

  /** The remote's list has come. */
  setRemote(names: readonly string[]): void {
    this.#remote = names;
  }

  /** The id under which this side sends `name`. @throws RangeError where it was not declared. */
  idOf(name: string): number {
    const id = this.#local.indexOf(name);
    if (id === -1) {
      throw new RangeError(
        `"name" expected one of the extensions declared to connect (${this.#local.join(', ') || 'none'}), got ${describe(name)}`,
      );
    }
    return id;
  }

  /** What the remote means by `id`: a name of both sides, or `undefined`. */
  nameOf(id: number): string | undefined {
    const name = this.#remote?.[id];
    return name !== undefined && this.#local.includes(name) ? name : undefined;
  }

  /** What the remote means by an `id` that has no name of both sides, for a report. */
  unknown(id: number): string {
    if (this.#remote === undefined) return `extension ${id}, before the Handshake that would say which it is`;
    const name = this.#remote[id];
    if (name === undefined) return `extension ${id}, which the remote did not declare`;
    return `extension ${describe(name)}, which this side did not declare`;
  }

  /** Whether both sides have the name. */
  has(name: string): boolean {
    return this.#local.includes(name) && (this.#remote?.includes(name) ?? false);
  }
}
