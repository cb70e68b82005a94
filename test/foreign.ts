/** Promises as another realm makes them, such as a frame or a test runner's sandbox: `instanceof` does not know them. */
import { runInNewContext } from 'node:vm';

const Foreign: PromiseConstructor = runInNewContext('Promise');

export function foreign<T>(value: T | PromiseLike<T>): Promise<T> {
  return Foreign.resolve(value) as Promise<T>;
}
