/** A connection that breaks, or changes a bit, at a byte of the test's choice. */
import type { Transport } from '../../src/index.ts';

/** What happens to the bytes of one direction. Returns what goes on; `undefined`: nothing ever again. */
export type Damage = (chunk: Uint8Array, offset: number) => Uint8Array | undefined;

const none: Damage = (chunk) => chunk;

/** Lets `bytes` bytes pass. */
export function cutAfter(bytes: number): Damage {
  return (chunk, offset) => {
    if (offset >= bytes) return undefined;
    return chunk.subarray(0, bytes - offset);
  };
}

/** Changes one bit: of byte `position`, the `bit`th. */
export function flipBit(position: number, bit: number): Damage {
  return (chunk, offset) => {
    const at = position - offset;
    if (at >= 0 && at < chunk.byteLength) chunk[at]! ^= 1 << bit;
    return chunk;
  };
}

/** The transport with its directions damaged. `passed` counts the bytes of each. */
export class DamagedTransport implements Transport {
  readonly passed = { in: 0, out: 0 };
  readonly source: AsyncIterable<Uint8Array>;
  readonly #transport: Transport;
  readonly #out: Damage;

  constructor(transport: Transport, damages: { readonly in?: Damage; readonly out?: Damage } = {}) {
    this.#transport = transport;
    this.#out = damages.out ?? none;
    this.source = this.#damaged(transport.source, 'in', damages.in ?? none);
  }

  sink(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#transport.sink(this.#damaged(chunks, 'out', this.#out));
  }

  abort(reason?: unknown): void {
    this.#transport.abort(reason);
  }

  async *#damaged(
    chunks: AsyncIterable<Uint8Array>,
    direction: 'in' | 'out',
    damage: Damage,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of chunks) {
      const length = chunk.byteLength;
      const left = damage(chunk, this.passed[direction]);
      this.passed[direction] += length;
      if (left !== undefined && left.byteLength > 0) yield left;
      if (left !== undefined && left.byteLength === length) continue;
      const error = new Error('the connection was cut');
      this.#transport.abort(error);
      throw error;
    }
  }
}
