/** A promise that is settled from outside, by methods that are not to be taken off it. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/** Makes one. Its rejection is never reported as unhandled. */
export function deferred<T>(): Deferred<T> {
  return new LazyPromise();
}

/** Makes the promise for the first who asks: most are never looked at, and it takes several times the memory. */
class LazyPromise<T> implements Deferred<T> {
  #promise: Promise<T> | undefined;
  /** Settles the promise, once there is one. */
  #settle: { resolve(value: T): void; reject(reason: unknown): void } | undefined;
  #outcome: { readonly value: T } | { readonly reason: unknown } | undefined;

  get promise(): Promise<T> {
    if (this.#promise !== undefined) return this.#promise;
    this.#promise = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    if (this.#outcome !== undefined) this.#apply();
    return this.#promise;
  }

  resolve(value: T): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = { value };
    this.#apply();
  }

  reject(reason: unknown): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = { reason };
    this.#apply();
  }

  #apply(): void {
    if (this.#promise === undefined) return;
    const { resolve, reject } = this.#settle!;
    this.#settle = undefined;
    if ('value' in this.#outcome!) return resolve(this.#outcome.value);
    this.#promise.catch(() => {});
    reject(this.#outcome!.reason);
  }
}
