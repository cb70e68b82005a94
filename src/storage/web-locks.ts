/** Web Locks: a name that one holder has at a time, in all pages and workers of an origin, until it lets go or dies. */

/** The part of `navigator.locks` that is used. */
export interface LockManagerLike {
  request(
    name: string,
    options: { readonly ifAvailable?: boolean; readonly signal?: object },
    callback: (lock: unknown) => unknown,
  ): Promise<unknown>;
}

/** A lock that is held. */
export interface WebLock {
  /** Lets go; resolves once another can have it. */
  release(): Promise<unknown>;
}

/** The platform's locks, where it has some. */
export function webLocks(): LockManagerLike | undefined {
  return (globalThis as { navigator?: { locks?: LockManagerLike } }).navigator?.locks;
}

/** Takes a lock. Undefined where it is taken and not to be waited for; rejects as the platform does. */
export function holdLock(
  locks: LockManagerLike,
  name: string,
  options: { readonly ifAvailable?: boolean; readonly signal?: object } = {},
): Promise<WebLock | undefined> {
  return new Promise((resolve, reject) => {
    const ended = locks.request(name, options, (lock) => {
      if (lock === null) return resolve(undefined);
      return new Promise<void>((release) => {
        resolve({
          release() {
            release();
            return ended;
          },
        });
      });
    });
    ended.catch(reject);
  });
}
