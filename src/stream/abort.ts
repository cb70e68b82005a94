import type { AbortSignalLike } from './transport.ts';

/** A signal that can be aborted, for runtimes that have no `AbortController`. */
export class Abort implements AbortSignalLike {
  readonly #listeners = new Set<() => void>();
  #aborted: { readonly reason: unknown } | undefined;

  get aborted(): boolean {
    return this.#aborted !== undefined;
  }

  get reason(): unknown {
    return this.#aborted?.reason;
  }

  abort(reason: unknown): void {
    if (this.#aborted !== undefined) return;
    this.#aborted = { reason };
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }

  addEventListener(_: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }
}

/** The platform's own signal where its types are known: what an app's function is given has to do for `fetch` too. */
export type PlatformAbortSignal = typeof globalThis extends { AbortSignal: { prototype: infer Signal } }
  ? Signal
  : AbortSignalLike;

/** What can abort a {@link PlatformAbortSignal}. */
export interface Aborter {
  readonly signal: PlatformAbortSignal;
  abort(reason?: unknown): void;
}

/** The platform's `AbortController`, or where it has none one of ours. */
export function aborter(): Aborter {
  const { AbortController } = globalThis as unknown as { AbortController?: new () => Aborter };
  if (AbortController !== undefined) return new AbortController();
  const abort = new Abort();
  return { signal: abort as unknown as PlatformAbortSignal, abort: (reason) => abort.abort(reason) };
}
