import type { AbortSignalLike } from './transport.ts';

/** The promise's outcome, or the signal's reason if it aborts first. No listener is left behind. */
export function abortable<T>(promise: Promise<T>, signal?: AbortSignalLike): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
