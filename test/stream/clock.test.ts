import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/stream/clock.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const DAY = 86_400_000;

test.each([1, 2 ** 31 - 1, 2 ** 31, 100 * DAY])('waits for %s ms, and no less', (ms) => {
  const fn = vi.fn();
  systemClock().after(ms, fn);
  vi.advanceTimersByTime(ms - 1);
  expect(fn).toHaveBeenCalledTimes(0);
  vi.advanceTimersByTime(1);
  expect(fn).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
});

test.each([0, 30 * DAY, 60 * DAY])('is called off after %s ms of 100 days, and leaves no timer', (ms) => {
  const fn = vi.fn();
  const cancel = systemClock().after(100 * DAY, fn);
  vi.advanceTimersByTime(ms);
  cancel();
  cancel();
  expect(vi.getTimerCount()).toBe(0);
});
