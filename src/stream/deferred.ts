/** A promise that is settled from outside, by methods that are not to be taken off it. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
  /** The same, with what `make` gives: it is called for the first who asks, and never where nobody does. */
  rejectWith(make: () => unknown): void;
}

/** Makes one. Its rejection is never reported as unhandled. */
export function deferred<T>(): Deferred<T> {
  return new LazyPromise();
}

/** Most resolve with nothing, and share this outcome. */
const DONE = { value: undefined };

/** Makes the promise for the first who asks: most are never looked at, and it takes several times the memory. */
class LazyPromise<T> implements Deferred<T> {
  #promise: Promise<T> | undefined;
  /** These settle the promise, where there is one that is not settled. */
  #resolve: ((value: T) => void) | undefined;
  #reject: ((reason: unknown) => void) | undefined;
  #outcome: { readonly value: T } | { readonly reason: () => unknown } | undefined;

  get promise(): Promise<T> {
    this.#promise ??= new Promise((resolve, reject) => {
      if (this.#outcome === undefined) {
        this.#resolve = resolve;
        this.#reject = reject;
      } else if ('value' in this.#outcome) resolve(this.#outcome.value);
      else reject(this.#outcome.reason());
    });
    if (this.#outcome !== undefined && 'reason' in this.#outcome) this.#promise.catch(() => {});
    return this.#promise;
  }

  resolve(value: T): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = value === undefined ? (DONE as { value: T & undefined }) : { value };
    this.#resolve?.(value);
    this.#resolve = this.#reject = undefined;
  }

  reject(reason: unknown): void {
    this.rejectWith(() => reason);
  }

  rejectWith(reason: () => unknown): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = { reason };
    this.#promise?.catch(() => {});
    this.#reject?.(reason());
    this.#resolve = this.#reject = undefined;
  }
}
