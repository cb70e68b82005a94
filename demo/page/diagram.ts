/**
 * The conversation as a sequence diagram: two lifelines, an arrow a message, and each arrow opens to its bytes. Only
 * some hundred arrows are in the page at a time; it says how many are folded, and goes back to them.
 */
import type { MessageEvent as Message } from 'hypercore-wire/inspect';
import { bytesView } from './bytes.ts';
import { element, newId } from './element.ts';
import type { Entry, Log } from './log.ts';
import { onceAFrame } from './painter.ts';
import type { Passed } from './relay.ts';
import { bytesText, timeText, wordsOf } from './words.ts';

/** Arrows in the page at a time. */
const SHOWN = 200;
/** Pixels from the end within which the diagram follows what comes. */
const NEAR = 40;

export interface DiagramOptions {
  /** What the two sides are called, and who they are. */
  readonly left: { readonly name: string; readonly about: string };
  readonly right: { readonly name: string; readonly about: string };
  /** What is said where there is no message yet. */
  readonly empty?: string;
  /** A message was opened, or none is any more. */
  onOpen?(message: Message | undefined): void;
}

type Row = HTMLLIElement;

export class Diagram {
  readonly element: HTMLElement;
  readonly #log: Log;
  readonly #options: DiagramOptions;
  readonly #list: HTMLOListElement;
  readonly #scroller: HTMLElement;
  readonly #earlier: HTMLButtonElement;
  readonly #later: HTMLButtonElement;
  readonly #keepalives: HTMLInputElement;
  readonly #hidden: HTMLElement;
  readonly #empty: HTMLElement;
  readonly #changed = onceAFrame(() => this.#draw());
  readonly #rows = new Map<number, Row>();
  /** The first entry that is shown, where the end is not followed. */
  #from: number | undefined;
  #open: Row | undefined;

  constructor(log: Log, options: DiagramOptions) {
    this.#log = log;
    this.#options = options;
    this.#list = element('ol', { class: 'arrows', 'aria-label': 'Messages, in order' });
    this.#earlier = element('button', { type: 'button', class: 'fold', hidden: true });
    this.#later = element('button', { type: 'button', class: 'fold', hidden: true });
    this.#empty = element('p', { class: 'empty', text: options.empty ?? 'Nothing has been said yet.' });
    this.#scroller = element(
      'div',
      { class: 'scroller' },
      this.#empty,
      this.#earlier,
      this.#list,
      this.#later,
    );
    this.#keepalives = element('input', { type: 'checkbox' });
    this.#hidden = element('span', { text: 'Keepalives' });
    const side = ({ name, about }: DiagramOptions['left']): HTMLElement =>
      element('div', { class: 'side' }, element('strong', { text: name }), element('span', { text: about }));
    this.element = element(
      'section',
      { class: 'diagram card', 'aria-label': 'Conversation' },
      element(
        'header',
        {},
        element('h2', { text: 'What they say' }),
        element('label', { class: 'check' }, this.#keepalives, this.#hidden),
      ),
      element('p', {
        class: 'hint',
        text: 'Each arrow is a message. Open one to see its bytes; the arrow keys go from one to the next.',
      }),
      element('div', { class: 'sides' }, side(options.left), side(options.right)),
      this.#scroller,
    );
    this.#earlier.addEventListener('click', () => this.#page(-SHOWN / 2));
    this.#later.addEventListener('click', () => this.#latest());
    this.#keepalives.addEventListener('change', () => this.#changed());
    this.#list.addEventListener('keydown', (event) => this.#onKey(event));
    this.#list.addEventListener('focusin', (event) => this.#rove(event.target as HTMLElement));
    log.onChange(() => this.#changed());
  }

  #draw(): void {
    const scroller = this.#scroller;
    const isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
    const entries = this.#visible();
    const follows = this.#open === undefined && this.#from === undefined;
    const start = follows ? Math.max(0, entries.length - SHOWN) : this.#startOf(entries);
    const shown = entries.slice(start, start + SHOWN);
    const ids = new Set(shown.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      if (row === this.#open) this.#close();
      row.remove();
      this.#rows.delete(id);
    }
    let before: Row | undefined;
    for (const entry of shown) {
      const row = this.#rows.get(entry.id) ?? this.#add(entry);
      const place: Element | null =
        before === undefined ? this.#list.firstElementChild : before.nextElementSibling;
      if (row !== place) this.#list.insertBefore(row, place);
      before = row;
    }
    this.#fold(entries.length, start, shown.length);
    if (follows && isAtEnd) scroller.scrollTop = scroller.scrollHeight;
    this.#assureStop();
  }

  #fold(all: number, start: number, shown: number): void {
    const past = start + this.#log.forgotten;
    const next = all - start - shown;
    this.#earlier.hidden = past === 0;
    this.#earlier.disabled = start === 0;
    this.#earlier.textContent =
      start === 0
        ? `${this.#log.forgotten} earlier messages are not kept`
        : `${past} earlier messages are folded: show some`;
    this.#later.hidden = next === 0 && this.#from === undefined;
    this.#later.textContent =
      next === 0 ? 'Follow what comes' : `${next} later messages are folded: show the latest`;
    this.#empty.hidden = all > 0;
    const kept = this.#log.entries;
    const quiet = this.#keepalives.checked ? 0 : kept.length - all;
    this.#hidden.textContent = quiet === 0 ? 'Keepalives' : `Keepalives (${quiet} not shown)`;
  }

  #visible(): readonly Entry[] {
    if (this.#keepalives.checked) return this.#log.entries;
    return this.#log.entries.filter((one) => one.kind === 'note' || one.passed.message.type !== 'keepalive');
  }

  #startOf(entries: readonly Entry[]): number {
    const first = this.#from ?? Number(this.#list.firstElementChild?.getAttribute('data-id') ?? 0);
    const index = entries.findIndex(({ id }) => id >= first);
    return index === -1 ? Math.max(0, entries.length - SHOWN) : index;
  }

  #page(by: number): void {
    const entries = this.#visible();
    const first = Number(this.#list.firstElementChild?.getAttribute('data-id') ?? 0);
    const index = entries.findIndex(({ id }) => id === first);
    this.#from = entries[Math.max(0, index + by)]?.id;
    this.#draw();
    this.#rows.get(first)?.scrollIntoView({ block: 'start' });
  }

  #latest(): void {
    this.#from = undefined;
    this.#close();
    this.#draw();
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  // A row.

  #add(entry: Entry): Row {
    const row = entry.kind === 'note' ? noteRow(entry) : this.#arrowRow(entry.passed);
    row.dataset.id = String(entry.id);
    this.#rows.set(entry.id, row);
    return row;
  }

  #arrowRow(passed: Passed): Row {
    const { message, time, flip } = passed;
    const { kind, title, detail } = wordsOf(message);
    const { left, right } = this.#options;
    const [from, to] = message.direction === 'out' ? [left, right] : [right, left];
    const bytes = bytesText(message.byteLength);
    const damage = flip === undefined ? [] : [' ', element('em', { text: 'damaged' })];
    const button = element(
      'button',
      { type: 'button', 'aria-expanded': 'false', tabindex: '-1' },
      element('span', { class: 'time', 'aria-hidden': 'true', text: timeText(time) }),
      element('span', { class: 'unseen', text: `${from.name} to ${to.name}: ` }),
      element(
        'span',
        { class: 'line' },
        element('span', { class: 'words' }, element('b', { text: title }), ` ${detail}`, ...damage),
      ),
      element('span', { class: 'size', text: bytes }),
    );
    const row = element('li', {
      class: `arrow ${message.direction} ${kind}${flip === undefined ? '' : ' damaged'}`,
    });
    row.append(button);
    button.addEventListener('click', () => {
      const wasOpen = this.#open === row;
      const block = this.#isGrown ? 'center' : 'nearest';
      this.#close();
      if (wasOpen) row.scrollIntoView({ block });
      else this.#show(row, button, passed);
    });
    return row;
  }

  #show(row: Row, button: HTMLButtonElement, { message, flip }: Passed): void {
    const view = bytesView(message, flip);
    view.id = newId('bytes');
    button.setAttribute('aria-expanded', 'true');
    button.setAttribute('aria-controls', view.id);
    row.append(view);
    this.#open = row;
    this.#reveal(row);
    this.#options.onOpen?.(message);
  }

  /** On a narrow screen the diagram grows with what is open, and scrolls with the page. */
  get #isGrown(): boolean {
    return getComputedStyle(this.#scroller).overflowY === 'visible';
  }

  /** Scrolls the diagram, and the page only where that is what scrolls. */
  #reveal(row: Row): void {
    if (this.#isGrown) return row.scrollIntoView();
    const [inner, outer] = [row.getBoundingClientRect(), this.#scroller.getBoundingClientRect()];
    const below = inner.bottom - outer.bottom;
    if (below > 0) this.#scroller.scrollTop += Math.min(below, inner.top - outer.top);
  }

  #close(): void {
    const row = this.#open;
    if (row === undefined) return;
    this.#open = undefined;
    const button = row.querySelector('button')!;
    button.setAttribute('aria-expanded', 'false');
    button.removeAttribute('aria-controls');
    row.querySelector('.bytes')?.remove();
    this.#options.onOpen?.(undefined);
    this.#changed();
  }

  // One stop of the tab key for all arrows; the arrow keys go between them.

  #buttons(): HTMLButtonElement[] {
    return [...this.#list.querySelectorAll<HTMLButtonElement>(':scope > .arrow > button')];
  }

  #rove(target: HTMLElement): void {
    if (!target.matches('.arrow > button')) return;
    for (const button of this.#list.querySelectorAll('.arrow > button[tabindex="0"]')) {
      if (button !== target) button.setAttribute('tabindex', '-1');
    }
    target.setAttribute('tabindex', '0');
  }

  #assureStop(): void {
    if (this.#list.querySelector('.arrow > button[tabindex="0"]') !== null) return;
    this.#list.querySelector('.arrow > button')?.setAttribute('tabindex', '0');
  }

  #onKey(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    if (event.key === 'Escape' && this.#open !== undefined) {
      const button = this.#open.querySelector('button')!;
      this.#close();
      button.focus();
      return;
    }
    if (!target.matches('.arrow > button')) return;
    const buttons = this.#buttons();
    const at = buttons.indexOf(target as HTMLButtonElement);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: buttons.length - 1,
    };
    const next = buttons[steps[event.key] ?? -1];
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  }
}

function noteRow({ tone, text }: Extract<Entry, { kind: 'note' }>): Row {
  return element('li', { class: `note ${tone}` }, element('span', { text }));
}
