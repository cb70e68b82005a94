/** Who is told of what happens. */
import { describe } from '../errors.ts';

export class Listeners<Event> {
  readonly #listeners = new Set<(event: Event) => void>();

  get size(): number {
    return this.#listeners.size;
  }

  /** The returned function ends it. @throws TypeError for what is no function. */
  add(listener: (event: Event) => void): () => void {
    if (typeof listener !== 'function')
      throw new TypeError(`"listener" expected a function, got ${describe(listener)}`);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  emit(event: Event): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        // The app's error, and no reason to stop in the middle: it comes up as an unhandled rejection.
        void Promise.reject(error);
      }
    }
  }
}
