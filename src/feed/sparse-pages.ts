/**
 * Pages by number, in order, most of them absent. The numbers go up to 2^53, so a page far out costs no
 * more than a near one.
 */

/** A map from page number to page that can also be walked in order of the numbers. */
export class SparsePages<P> {
  readonly #pages = new Map<number, P>();
  /** The page numbers, ascending. */
  readonly #numbers: number[] = [];

  /** How many pages there are. */
  get size(): number {
    return this.#numbers.length;
  }

  /** The highest page number, or -1. */
  get last(): number {
    return this.#numbers.at(-1) ?? -1;
  }

  get(number: number): P | undefined {
    return this.#pages.get(number);
  }

  set(number: number, page: P): void {
    if (!this.#pages.has(number)) {
      // Nearly always the new page is the last one.
      if (number > this.last) this.#numbers.push(number);
      else this.#numbers.splice(this.position(number), 0, number);
    }
    this.#pages.set(number, page);
  }

  /** Removes the pages numbered `from` to before `to`. Costs what is there, not what is named. */
  delete(from: number, to: number): void {
    const first = this.position(from);
    const removed = this.#numbers.splice(first, this.position(to) - first);
    for (const number of removed) this.#pages.delete(number);
  }

  /** The place in the order of the first page numbered at least `number`; `size` where there is none. */
  position(number: number): number {
    let low = 0;
    let high = this.#numbers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#numbers[middle]! < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The page number at a place in the order, or undefined past the end. */
  numberAt(position: number): number | undefined {
    return this.#numbers[position];
  }

  clear(): void {
    this.#pages.clear();
    this.#numbers.length = 0;
  }
}
