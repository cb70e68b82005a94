import { expect, it } from 'vitest';
import { Deadline } from '../../src/feed/replication/deadline.ts';
import type { Session } from '../../src/session/session.ts';
import { FakeClock } from '../fake-clock.ts';

it('has no timer once it was stopped, whatever is asked after that', async () => {
  const clock = new FakeClock();
  const session = { clock, limits: { idleMs: 7500 }, arriving: { start: 0, bytes: 0 } } as unknown as Session;
  let isWaiting = false;
  const told: string[] = [];
  const deadline = new Deadline(session, {
    isWaiting: () => isWaiting,
    isAsked: () => isWaiting,
    isBehind: () => false,
    hasUnsent: () => false,
    isReady: () => true,
    onSlow: () => {
      told.push('slow');
      deadline.stop();
    },
    onSilent: () => told.push('silent'),
  });
  isWaiting = true;
  deadline.watch();
  expect(clock.pending).toBe(1);
  await clock.advance(60_000);
  expect([told, clock.pending]).toEqual([['slow'], 0]);
  deadline.watch();
  deadline.answered();
  await clock.advance(60_000);
  expect([told, clock.pending]).toEqual([['slow'], 0]);
});
