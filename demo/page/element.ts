/** Elements, without markup in strings: whatever a peer sends is text. */

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** Makes an element. `text` and `class` are what they say; all else is an attribute, and left out where it is undefined or false. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  set(made, attributes);
  made.append(...children);
  return made;
}

/** The same in SVG. */
export function drawn<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Node[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  set(made, attributes);
  made.append(...children);
  return made;
}

function set(made: Element, { text, ...attributes }: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : String(value));
  }
  if (text !== undefined) made.textContent = String(text);
}

/** The element of a page that has to be there. */
export function found<E extends Element = HTMLElement>(selector: string, within: ParentNode = document): E {
  const one = within.querySelector<E>(selector);
  if (one === null) throw new Error(`the page has no ${selector}`);
  return one;
}

let ids = 0;

/** An id for what another element refers to. */
export function newId(name: string): string {
  ids++;
  return `${name}-${ids}`;
}
