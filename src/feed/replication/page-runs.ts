/** Sets of whole numbers as runs: sorted, disjoint, never touching. A run of 2^40 costs what one of 1 does. */

/** A set of numbers, kept as the runs of neighbours in it. A range is `start` to before `end`. */
export class PageRuns {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  /** How many runs there are. */
  get size(): number {
    return this.#starts.length;
  }

  /** The highest number and one, or 0. */
  get end(): number {
    return this.#ends.at(-1) ?? 0;
  }

  has(number: number): boolean {
    return (this.#starts[this.#first(number)] ?? Number.POSITIVE_INFINITY) <= number;
  }

  /** The first number in the set that is at least `number`, or infinity. */
  next(number: number): number {
    return Math.max(this.#starts[this.#first(number)] ?? Number.POSITIVE_INFINITY, number);
  }

  add(start: number, end: number): void {
    if (start >= end) return;
    // A run that ends where this one starts is met too, so that both become one.
    const from = this.#first(start - 1);
    let to = from;
    let low = start;
    let high = end;
    for (; to < this.size && this.#starts[to]! <= end; to++) {
      low = Math.min(low, this.#starts[to]!);
      high = Math.max(high, this.#ends[to]!);
    }
    this.#starts.splice(from, to - from, low);
    this.#ends.splice(from, to - from, high);
  }

  delete(start: number, end: number): void {
    if (start >= end) return;
    const from = this.#first(start);
    const starts: number[] = [];
    const ends: number[] = [];
    let to = from;
    for (; to < this.size && this.#starts[to]! < end; to++) {
      if (this.#starts[to]! < start) {
        starts.push(this.#starts[to]!);
        ends.push(start);
      }
      if (this.#ends[to]! > end) {
        starts.push(end);
        ends.push(this.#ends[to]!);
      }
    }
    this.#starts.splice(from, to - from, ...starts);
    this.#ends.splice(from, to - from, ...ends);
  }

  clear(): void {
    this.#starts.length = 0;
    this.#ends.length = 0;
  }

  /** The place of the first run that ends past `number`. */
  #first(number: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ends[middle]! <= number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
