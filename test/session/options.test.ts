import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { begin, KEY, outcome, pair } from './peers.ts';

describe('a signal', () => {
  it('that has aborted opens nothing', async () => {
    const { transport, connecting } = begin({ signal: AbortSignal.abort('enough') });
    expect(await outcome(connecting)).toBe('enough');
    expect(transport.aborts).toEqual(['enough']);
    expect(transport.written).toEqual([]);
  });

  it('that aborts meanwhile, at whichever moment, is heard', async () => {
    for (let moment = 0; moment < 12; moment++) {
      const controller = new AbortController();
      const { transport, connecting } = begin({ signal: controller.signal });
      for (let turn = 0; turn < moment; turn++) await undefined;
      controller.abort('enough');
      expect(await outcome(connecting), `after ${moment} turns`).toBe('enough');
      expect(transport.aborts.length).toBeGreaterThan(0);
      expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    }
  });

  it('that aborts later ends the session; before, it has one listener, and then none', async () => {
    const controller = new AbortController();
    const [a, b] = await pair({ signal: controller.signal });
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort('enough');
    expect(await a.closed).toEqual({ code: 'aborted', error: 'enough' });
    expect(await b.closed).toMatchObject({ code: 'failed', error: { code: 'transport' } });
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  it('is let go of after an end of another kind', async () => {
    const { signal } = new AbortController();
    const [a, b] = await pair({ signal });
    await Promise.all([a.close(), b.close()]);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});

describe('misuse', () => {
  it.each<[string, object, RegExp]>([
    ['no key', { key: undefined }, /TypeError: "key" or "keys" expected/],
    ['a short key', { key: new Uint8Array(31) }, /RangeError: "key" expected 32 bytes, got 31/],
    ['a word as key', { key: 'abc' }, /RangeError: "key" expected 64 hex characters/],
    ['a number as key', { key: 5 }, /TypeError: "key" expected .* got number 5/],
    ['keys that are no function', { keys: [KEY] }, /TypeError: "keys" expected a function .* got Array/],
    ['an extension without a name', { extensions: ['a', ''] }, /TypeError: "extensions" expected names/],
    ['text as userData', { userData: 'me' }, /TypeError: "userData" expected Uint8Array/],
    [
      'userData longer than a frame',
      { userData: new Uint8Array(9_000_000) },
      /RangeError: "userData", "id" and "extensions" expected 8388608 bytes at most in all/,
    ],
    [
      'an id longer than a frame',
      { id: new Uint8Array(9_000_000) },
      /RangeError: "userData", "id" and "extensions" expected 8388608 bytes at most in all/,
    ],
    [
      'names longer than a frame',
      { extensions: ['a', 'é'.repeat(4_500_000)] },
      /RangeError: "userData", "id" and "extensions" expected 8388608 bytes at most in all/,
    ],
    [
      'more names than are read',
      { extensions: Array.from({ length: 2045 }, (_, i) => `name ${i}`) },
      /RangeError: "extensions" expected 2044 names at most/,
    ],
    ['a limit of nothing', { limits: { channels: 0 } }, /RangeError: "limits.channels" expected .* from 1/],
    [
      'an unknown limit',
      { limits: { chanels: 9 } },
      /RangeError: "limits" expected one of .*, got "chanels"/,
    ],
  ])('is named: %s', async (_, options, message) => {
    const { transport, connecting } = begin(options);
    expect(String(await outcome(connecting))).toMatch(message);
    expect(transport.aborts).toHaveLength(1);
  });
});

it('sends a Handshake of the largest size that the remote takes', async () => {
  const extensions = Array.from({ length: 2044 }, (_, i) => `name ${i}`);
  const [, named] = await pair(
    { extensions, userData: new Uint8Array(1) },
    { limits: { extensionNames: 2044 } },
  );
  expect(named.remote.extensions).toHaveLength(2044);
  // The rest is the header, an id of 32 bytes, two booleans, and the length.
  const userData = new Uint8Array(8_388_608 - 44);
  const [, informed] = await pair({ userData });
  expect(informed.remote.userData).toHaveLength(userData.byteLength);
  const { connecting } = begin({ userData: new Uint8Array(userData.byteLength + 1) });
  await expect(connecting).rejects.toThrow(/expected 8388608 bytes at most in all/);
});
