/** The bytes of a message, as they travelled beside what they say, and every field of them in its colour. */
import type { MessageEvent as Message } from 'hypercore-wire/inspect';
import { element } from './element.ts';
import { type Item, itemsOf, type Part } from './items.ts';
import type { Flip } from './relay.ts';
import { bytesText, wordsOf } from './words.ts';

/** Bytes of a message that are shown; the last ones of it are left out. */
const SHOWN = 512;
/** Fields of a message that are listed. */
const LISTED = 200;
/** Colours that take turns. */
const HUES = 6;

export function bytesView(message: Message, flip: Flip): HTMLElement {
  const { plain, ciphered, fields } = message.frame;
  const items = itemsOf(fields);
  const view = element(
    'div',
    { class: 'bytes' },
    element('p', { class: 'purpose', text: wordsOf(message).purpose }),
  );
  if (flip !== undefined) view.append(flipNote(plain, flip));
  const panes = element('div', { class: 'panes' });
  if (ciphered === undefined) {
    panes.append(pane('Not enciphered: on the wire as it is', plain, items, flip));
  } else {
    panes.append(
      pane('Cipher on: what is on the wire', ciphered, items, flip),
      pane('Cipher off: what it says', plain, items, flip),
    );
  }
  view.append(panes);
  if (plain.byteLength > SHOWN) {
    view.append(
      element('p', { class: 'hint', text: `The first ${SHOWN} of ${bytesText(plain.byteLength)}.` }),
    );
  }
  view.append(fieldList(items, view));
  return view;
}

function flipNote(plain: Uint8Array, at: number): HTMLElement {
  const was = plain[at]!;
  return element('p', {
    class: 'flip-note',
    text:
      `One bit was flipped here on the way: byte ${at} left as ${hex(was)} and arrived as ${hex(was ^ 1)}. ` +
      'The cipher hides what is said and does not protect it: a bit that is flipped in what is on the wire is ' +
      'flipped in what it says. The proof is what tells.',
  });
}

function pane(title: string, bytes: Uint8Array, items: readonly Item[], flip: Flip): HTMLElement {
  const grid = element('div', { class: 'hex', 'aria-hidden': 'true' });
  for (const [number, { parts }] of items.entries()) {
    for (const { start, end, kind } of parts) {
      for (let at = start; at < Math.min(end, SHOWN); at++) {
        const byte = element('span', {
          class: `${hue(number)} ${kind}`,
          'data-item': number,
          text: hex(bytes[at]!),
        });
        if (at === flip) byte.classList.add('flipped');
        grid.append(byte);
      }
    }
  }
  return element('figure', {}, element('figcaption', { text: title }), grid);
}

function fieldList(items: readonly Item[], view: HTMLElement): HTMLElement {
  const list = element('ol', { class: 'fields', 'aria-label': 'Fields' });
  for (const [number, item] of items.slice(0, LISTED).entries()) {
    const { name, text, explanation, parts, depth } = item;
    const button = element(
      'button',
      { type: 'button', class: `${hue(number)} depth-${Math.min(depth, 3)}`, 'data-item': number },
      element('span', { class: 'name', text: name }),
      element('code', { text }),
      element('span', { class: 'where', text: placeOf(parts) }),
      element('span', { class: 'explanation', text: explanation }),
    );
    list.append(element('li', {}, button));
  }
  if (items.length > LISTED) {
    list.append(element('li', { class: 'hint', text: `${items.length - LISTED} more fields are folded.` }));
  }
  lightTogether(view, list);
  return list;
}

/** A field and its bytes light up together, by pointer and by keyboard. */
function lightTogether(view: HTMLElement, list: HTMLElement): void {
  const light = (target: EventTarget | null): void => {
    const item =
      target instanceof Element ? target.closest<HTMLElement>('[data-item]')?.dataset.item : undefined;
    for (const lit of view.querySelectorAll('.lit')) lit.classList.remove('lit');
    if (item === undefined) return;
    for (const one of view.querySelectorAll(`[data-item="${item}"]`)) one.classList.add('lit');
  };
  view.addEventListener('pointerover', ({ target }) => light(target));
  view.addEventListener('pointerleave', () => light(null));
  view.addEventListener('click', ({ target }) => light(target));
  list.addEventListener('focusin', ({ target }) => light(target));
}

/** Where each part of it is: `tag 2, size 3, value 4 to 35`. */
function placeOf(parts: readonly Part[]): string {
  const place = ({ start, end }: Part): string => (end - start === 1 ? `${start}` : `${start} to ${end - 1}`);
  const [only] = parts;
  if (parts.length === 1)
    return only!.end - only!.start === 1 ? `byte ${place(only!)}` : `bytes ${place(only!)}`;
  return parts.map((part) => `${part.kind} ${place(part)}`).join(', ');
}

function hue(number: number): string {
  return `hue-${number % HUES}`;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
