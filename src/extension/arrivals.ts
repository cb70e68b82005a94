/** Judges what arrives one after another, also where a judgement takes its time: the order is part of what counts. */
import type { MaybePromise } from '../stream/stage.ts';

/** What waits meanwhile; more is refused. */
const MAX_WAITING = 256;

export class Arrivals<T> {
  readonly #judge: (arrival: T) => MaybePromise<void>;
  readonly #onFull: (arrival: T) => void;
  readonly #onError: (error: unknown, arrival: T) => void;
  readonly #waiting: T[] = [];
  #isBusy = false;

  /** `judge` is called for one at a time; `onFull` for what cannot wait any more, `onError` where it fails. */
  constructor(
    judge: (arrival: T) => MaybePromise<void>,
    onFull: (arrival: T) => void,
    onError: (error: unknown, arrival: T) => void,
  ) {
    this.#judge = judge;
    this.#onFull = onFull;
    this.#onError = onError;
  }

  push(arrival: T): void {
    if (!this.#isBusy) this.#next(arrival);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(arrival);
    else this.#onFull(arrival);
  }

  #next(arrival: T): void {
    let judged: MaybePromise<void>;
    try {
      judged = this.#judge(arrival);
    } catch (error) {
      // Those that wait behind it have their turn all the same.
      return this.#onError(error, arrival);
    }
    if (judged === undefined) return;
    this.#isBusy = true;
    judged
      .catch((error) => this.#onError(error, arrival))
      .then(() => {
        this.#isBusy = false;
        while (!this.#isBusy && this.#waiting.length > 0) this.#next(this.#waiting.shift()!);
      });
  }
}
