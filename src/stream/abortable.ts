import type { AbortSignalLike } from './transport.ts';

/** The promise's outcome, or the signal's reason if it aborts first. No listener is left behind. */
export function abortable<T>(promise: Promise<T>, signal?: AbortSignalLike): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const stop = (): void => signal.removeEventListener('abort', onAbort);
    const onAbort = (): void => {
      stop();
      reject(signal.reason);
    };
    promise.then(resolve, reject).finally(stop);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
  });
}
