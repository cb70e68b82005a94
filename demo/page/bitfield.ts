/** Which blocks a peer has: a cell for each, filled once it is verified. */
import { element } from './element.ts';
import { onceAFrame } from './painter.ts';
import type { Holding } from './worker/protocol.ts';

/** Cells; of a longer feed each stands for several blocks. */
const CELLS = 512;

export class BitfieldView {
  readonly element: HTMLElement;
  readonly #cells: HTMLElement;
  readonly #caption: HTMLElement;
  readonly #asked = new Set<number>();
  readonly #refused = new Set<number>();
  readonly #draw = onceAFrame(() => this.#paint());
  #holding: Holding | undefined;

  constructor() {
    this.#cells = element('div', { class: 'cells', role: 'img', 'aria-label': 'No blocks yet' });
    this.#caption = element('figcaption', { text: 'No blocks yet.' });
    this.element = element('figure', { class: 'bitfield' }, this.#cells, this.#caption);
  }

  show(holding: Holding): void {
    this.#holding = holding;
    for (const index of this.#asked) if (holding.blocks[index] === 1) this.#asked.delete(index);
    for (const index of this.#refused) if (holding.blocks[index] === 1) this.#refused.delete(index);
    this.#draw();
  }

  /** A Request for the block has passed. */
  asked(index: number): void {
    this.#asked.add(index);
    this.#draw();
  }

  /** What came for the block was refused. */
  refused(index: number): void {
    this.#refused.add(index);
    this.#draw();
  }

  /** Nothing is under way any more. */
  disconnected(): void {
    this.#asked.clear();
    this.#draw();
  }

  #paint(): void {
    if (this.#holding === undefined) return;
    const { blocks, length, remoteLength } = this.#holding;
    const reach = Math.max(blocks.length, ...[...this.#refused].map((index) => index + 1));
    const per = Math.max(1, Math.ceil(reach / CELLS));
    const count = Math.ceil(reach / per);
    while (this.#cells.childElementCount > count) this.#cells.lastElementChild!.remove();
    while (this.#cells.childElementCount < count) this.#cells.append(element('span'));
    const cells = this.#cells.children;
    for (let cell = 0; cell < count; cell++) {
      const state = this.#stateOf(cell * per, per);
      if (cells[cell]!.className !== state) cells[cell]!.className = state;
    }
    const here = blocks.reduce((sum, bit) => sum + bit, 0);
    const all = Math.max(length, remoteLength, here);
    const told = all > blocks.length ? `, of which the first ${blocks.length} are shown` : '';
    const refused = this.#refused.size === 0 ? '' : ` Refused: block ${[...this.#refused].join(', ')}.`;
    const text =
      all === 0 ? 'No blocks yet.' : `${here} of ${all} blocks verified and stored${told}.${refused}`;
    if (this.#caption.textContent === text) return;
    this.#caption.textContent = text;
    this.#cells.setAttribute('aria-label', `Bitfield: ${text}`);
  }

  #stateOf(first: number, count: number): string {
    const indexes = Array.from({ length: count }, (_, i) => first + i);
    if (indexes.some((index) => this.#refused.has(index))) return 'refused';
    const { blocks } = this.#holding!;
    const known = indexes.filter((index) => index < blocks.length);
    if (known.every((index) => blocks[index] === 1)) return 'here';
    if (known.some((index) => blocks[index] === 1)) return 'partly';
    return indexes.some((index) => this.#asked.has(index)) ? 'asked' : '';
  }
}
