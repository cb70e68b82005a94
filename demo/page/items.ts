/** The fields of a frame as a person reads them: a tag, a size and a value are one. */
import type { InspectedField } from 'hypercore-wire/inspect';

export type Part = Pick<InspectedField, 'start' | 'end' | 'kind'>;

export interface Item {
  readonly name: string;
  /** What it says. */
  readonly text: string;
  readonly explanation: string;
  /** Its bytes. What its value is made of are items of their own, behind it and deeper. */
  readonly parts: readonly Part[];
  readonly depth: number;
}

export function itemsOf(fields: readonly InspectedField[], depth = 0): Item[] {
  const items: Item[] = [];
  let before: InspectedField[] = [];
  /** A tag without a value: that is how nothing is written. */
  const flush = (): void => {
    const [tag] = before;
    if (tag === undefined) return;
    items.push({ name: tag.name, text: 'nothing', explanation: tag.explanation, parts: before, depth });
    before = [];
  };
  for (const field of fields) {
    if (field.kind === 'tag') flush();
    if (field.kind === 'tag' || field.kind === 'size') {
      before.push(field);
      continue;
    }
    const { name, text, explanation, fields: inner } = field;
    const isMade = inner !== undefined && inner.length > 0;
    items.push({ name, text, explanation, parts: isMade ? before : [...before, field], depth });
    before = [];
    if (isMade) items.push(...itemsOf(inner, depth + 1));
  }
  flush();
  return items;
}
