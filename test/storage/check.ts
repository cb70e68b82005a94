/** Throws where something does not hold: on Node and in a page. */
export function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`expected ${what}`);
}
