/** What a peer has got: the blocks that are stored beside the messages that were only heard. */
import { element } from './element.ts';

/** Of each kind, the latest. */
const SHOWN = 50;

export class Shelf {
  readonly element: HTMLElement;
  readonly #stored: HTMLOListElement;
  readonly #heard: HTMLUListElement;

  constructor(hears: boolean) {
    this.#stored = element('ol', { class: 'stored', 'aria-label': 'Stored blocks', tabindex: '0' });
    this.#heard = element('ul', { class: 'heard', 'aria-label': 'Ephemeral messages', tabindex: '0' });
    this.element = element(
      'div',
      { class: 'shelf' },
      half('Stored, and proven', 'Blocks, with their number.', this.#stored),
    );
    if (hears) this.element.append(half('Heard, and not stored', 'Gone when the page is.', this.#heard));
  }

  stored(index: number, text: string): void {
    const number = element('span', { class: 'number', text: index });
    add(this.#stored, element('li', {}, number, element('span', { text })));
  }

  heard(name: string, text: string): void {
    add(this.#heard, element('li', {}, element('b', { text: `${name} says ` }), element('span', { text })));
  }
}

function half(title: string, about: string, list: HTMLElement): HTMLElement {
  return element(
    'div',
    {},
    element('h3', { text: title }),
    element('p', { class: 'hint', text: about }),
    list,
  );
}

function add(list: HTMLElement, item: HTMLElement): void {
  list.append(item);
  if (list.childElementCount > SHOWN) list.firstElementChild!.remove();
  list.scrollTop = list.scrollHeight;
}
