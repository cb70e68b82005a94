/** The app's word on who is wanted. */
import { describe } from '../errors.ts';
import type { Sender } from './verified.ts';

/** Whether a sender is wanted. Answers at once: a promise is no answer, and ends the session with a TypeError. */
export type Allow = (sender: Sender) => boolean;

/** @throws TypeError for anything but true and false: a promise counts as true, and would let everybody in. */
export function isAllowed(allow: Allow, sender: Sender): boolean {
  const answer: unknown = allow(sender);
  if (typeof answer !== 'boolean')
    throw new TypeError(
      `"allow" expected a function that gives true or false at once, got ${describe(answer)}`,
    );
  return answer;
}
