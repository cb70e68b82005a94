/** Tells a screen reader how the conversation goes: not every message, but the last of them, and how many there were. */
import { element } from './element.ts';

const EVERY_MS = 3000;

export class Announcer {
  readonly element: HTMLElement = element('p', { class: 'unseen', role: 'log', 'aria-live': 'polite' });
  #count = 0;
  #last = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  message(text: string): void {
    this.#count++;
    this.#last = text;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const more = this.#count > 1 ? `${this.#count} messages. The last one: ` : '';
      this.element.textContent = `${more}${this.#last}`;
      this.#count = 0;
    }, EVERY_MS);
  }
}
