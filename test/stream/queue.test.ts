import { describe, expect, it } from 'vitest';
import { ByteQueue, queueCost } from '../../src/stream/queue.ts';

/** Reads to the end; `error` where there was one. */
async function drain(queue: ByteQueue): Promise<{ bytes: number[]; error?: unknown }> {
  const bytes: number[] = [];
  try {
    for await (const chunk of queue) bytes.push(...chunk);
    return { bytes };
  } catch (error) {
    return { bytes, error };
  }
}

describe('ByteQueue', () => {
  it('hands out what was pushed, before and while it is read, then the end', async () => {
    const queue = new ByteQueue(2000);
    queue.push(Uint8Array.of(1, 2));
    const reading = drain(queue);
    await undefined;
    queue.push(Uint8Array.of());
    queue.push(Uint8Array.of(3));
    queue.end();
    queue.push(Uint8Array.of(4));
    expect(await reading).toEqual({ bytes: [1, 2, 3] });
    expect(queue.bytes).toBe(0);
  });

  it('counts what waits, and tells when some of it is taken', async () => {
    const left: number[] = [];
    const queue: ByteQueue = new ByteQueue(2000, () => left.push(queue.bytes));
    queue.push(new Uint8Array(6));
    queue.push(new Uint8Array(4));
    expect(queue.bytes).toBe(queueCost(6) + queueCost(4));
    queue.end();
    expect((await drain(queue)).bytes).toHaveLength(10);
    expect(left).toEqual([queueCost(4), 0]);
  });

  it('fails past its cap, behind what waits', async () => {
    const queue = new ByteQueue(queueCost(3));
    expect(queue.push(Uint8Array.of(1, 2))).toBeUndefined();
    const overflow = queue.push(Uint8Array.of(3, 4));
    expect(queue.push(Uint8Array.of(5))).toBeUndefined();
    queue.fail(new Error('too late'));
    expect(queue.bytes).toBe(queueCost(2));
    const { bytes, error } = await drain(queue);
    expect(bytes).toEqual([1, 2]);
    expect(error).toMatchObject({ code: 'transport-overflow' });
    expect(overflow).toBe(error);
    expect(String(error)).toContain(`${queueCost(2) * 2} bytes`);
  });

  it('counts what many tiny chunks take beside their bytes', () => {
    const queue = new ByteQueue(1_048_576);
    let chunks = 0;
    while (queue.push(Uint8Array.of(1)) === undefined) chunks++;
    expect(chunks).toBeLessThan(2100);
  });

  it('takes as much again once it was read', async () => {
    const queue = new ByteQueue(queueCost(2));
    const reader = queue[Symbol.asyncIterator]();
    for (let round = 0; round < 5; round++) {
      queue.push(new Uint8Array(2));
      expect((await reader.next()).value).toHaveLength(2);
    }
  });

  it('fails behind what waits, aborts at once; a reader that waits is woken', async () => {
    const reason = new Error('cut');
    const failing = new ByteQueue(2000);
    failing.push(Uint8Array.of(1));
    failing.fail(reason);
    expect(await drain(failing)).toEqual({ bytes: [1], error: reason });
    const aborted = new ByteQueue(2000);
    aborted.push(Uint8Array.of(1));
    aborted.abort(reason);
    expect(aborted.bytes).toBe(0);
    expect(await drain(aborted)).toEqual({ bytes: [], error: reason });
    for (const stop of ['fail', 'abort'] as const) {
      const queue = new ByteQueue(2000);
      const reading = drain(queue);
      await undefined;
      queue[stop](reason);
      expect(await reading).toEqual({ bytes: [], error: reason });
    }
  });
});
