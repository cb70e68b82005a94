/** The Merkle tree over the blocks: the nodes that a peer holds, and those that a message brings. */
import type { MessageEvent as Message } from 'hypercore-wire/inspect';
import { drawn, element } from './element.ts';
import { onceAFrame } from './painter.ts';
import type { Holding } from './worker/protocol.ts';

const WIDTH = 480;
const LEVEL = 30;
const MARGIN = 14;
/** Nodes of the lowest level that is drawn: of a longer feed the lower levels are left out. */
const DRAWN = 256;

export class TreeView {
  readonly element: HTMLElement;
  readonly #svg: SVGSVGElement;
  readonly #caption: HTMLElement;
  readonly #nodes = new Map<number, SVGElement>();
  readonly #edges = new Map<number, SVGElement>();
  readonly #draw = onceAFrame(() => this.#paint());
  #length = -1;
  #holding: Holding | undefined;
  #brought: ReadonlySet<number> = new Set();

  constructor() {
    this.#svg = drawn('svg', {
      class: 'tree',
      role: 'img',
      'aria-label': 'No Merkle tree yet',
      viewBox: '0 0 480 60',
    });
    this.#caption = element('figcaption', { text: 'It grows with the first block.' });
    this.element = element('figure', {}, this.#svg, this.#caption);
  }

  show(holding: Holding): void {
    this.#holding = holding;
    this.#draw();
  }

  /** Lights up the block and the nodes of a Data that is looked at. */
  bring(message: Message | undefined): void {
    const data = message?.message;
    this.#brought = new Set(
      data?.type === 'data' ? [2 * data.index, ...data.nodes.map(({ index }) => index)] : [],
    );
    this.#draw();
  }

  #build(length: number): void {
    this.#length = length;
    this.#nodes.clear();
    this.#edges.clear();
    let lowest = 0;
    while (length / 2 ** lowest > DRAWN) lowest++;
    const top = Math.ceil(Math.log2(Math.max(length, 1)));
    const height = (top - lowest) * LEVEL + 2 * MARGIN;
    this.#svg.setAttribute('viewBox', `0 0 ${WIDTH} ${height}`);
    const step = (WIDTH - 2 * MARGIN) / Math.max(2 * length - 2, 1);
    const radius = Math.max(1.2, Math.min(6, step * 0.8));
    const at = (node: number, depth: number): { x: number; y: number } => ({
      x: length === 1 ? WIDTH / 2 : MARGIN + node * step,
      y: MARGIN + (top - depth) * LEVEL,
    });
    const edges: SVGElement[] = [];
    const nodes: SVGElement[] = [];
    for (let depth = lowest; depth <= top; depth++) {
      const [first, stride] = [2 ** depth - 1, 2 ** (depth + 1)];
      // A node is there once all blocks below it are.
      for (let node = first; node + first <= 2 * length - 2; node += stride) {
        const { x, y } = at(node, depth);
        const title = drawn('title');
        title.textContent = nameOf(node, depth);
        const circle = drawn('circle', { cx: x, cy: y, r: radius }, title);
        nodes.push(circle);
        this.#nodes.set(node, circle);
        if (depth === lowest) continue;
        for (const child of [node - stride / 4, node + stride / 4]) {
          const end = at(child, depth - 1);
          const edge = drawn('path', { d: `M${x} ${y}L${end.x} ${end.y}` });
          edges.push(edge);
          this.#edges.set(child, edge);
        }
      }
    }
    this.#svg.replaceChildren(...edges, ...nodes);
  }

  #paint(): void {
    if (this.#holding === undefined) return;
    const { nodes, blocks, length } = this.#holding;
    if (blocks.length !== this.#length) this.#build(blocks.length);
    const roots = new Set(rootsOf(length));
    for (const [node, circle] of this.#nodes) {
      const states = [
        nodes[node] === 1 ? 'here' : '',
        nodes[node] === 1 && roots.has(node) ? 'root' : '',
        this.#brought.has(node) ? 'brought' : '',
      ];
      mark(circle, states.join(' ').trim());
      const edge = this.#edges.get(node);
      if (edge !== undefined) mark(edge, states[0]!);
    }
    const held = nodes.reduce((sum, bit) => sum + bit, 0);
    const top = [...roots].join(', ');
    const signed =
      length === 0
        ? ''
        : roots.size === 1
          ? ` The ringed root, node ${top}, is signed.`
          : ` The ringed roots, nodes ${top}, are signed.`;
    const brought = this.#brought.size === 0 ? '' : ' Pink: the block and the nodes of the open message.';
    const text =
      blocks.length === 0 ? 'It grows with the first block.' : `${held} hashes held.${signed}${brought}`;
    if (this.#caption.textContent === text) return;
    this.#caption.textContent = text;
    this.#svg.setAttribute('aria-label', `Merkle tree over ${blocks.length} blocks: ${text}`);
  }
}

function mark(drawing: SVGElement, state: string): void {
  if (drawing.getAttribute('class') !== state) drawing.setAttribute('class', state);
}

/** The tops of the largest whole trees, left to right. */
function rootsOf(length: number): number[] {
  const roots: number[] = [];
  for (let left = 0; left < length; ) {
    const width = 2 ** Math.floor(Math.log2(length - left));
    roots.push(2 * left + width - 1);
    left += width;
  }
  return roots;
}

function nameOf(node: number, depth: number): string {
  if (depth === 0) return `Node ${node}: the hash of block ${node / 2}`;
  const reach = 2 ** depth - 1;
  return `Node ${node}: over blocks ${(node - reach) / 2} to ${(node + reach) / 2}`;
}
