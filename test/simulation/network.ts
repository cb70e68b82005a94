/**
 * Links that do what links do: they take their time, hand bytes over in any pieces, stall, break, go dead in one
 * direction without a word, and change a bit. What is sent in one direction keeps its order, and that is all.
 */
import type { Transport } from '../../src/stream/transport.ts';
import type { World } from './world.ts';

/** Bytes that a direction holds before its sender has to wait: what the buffers on the way take. */
const WINDOW = 65_536;

interface Quality {
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly bytesPerMs: number;
}

/** One direction. */
class Direction {
  readonly #world: World;
  readonly #quality: Quality;
  readonly #arrived: Uint8Array[] = [];
  #bytes = 0;
  #lastAt = 0;
  #isEnded = false;
  #error: { readonly reason: unknown } | undefined;
  #stalledUntil = 0;
  #wakeReader: () => void = () => {};
  #wakeWriter: () => void = () => {};
  /** Nothing arrives any more, and nobody is told. */
  isDead = false;
  /** The next piece has one bit changed. */
  flips = 0;

  constructor(world: World, quality: Quality) {
    this.#world = world;
    this.#quality = quality;
  }

  async send(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const iterator = chunks[Symbol.asyncIterator]();
    try {
      for (;;) {
        while (this.#bytes >= WINDOW && this.#error === undefined) await this.#room();
        const { value: chunk, done } = await this.#orBroken(iterator.next());
        if (done) break;
        this.#pass(chunk);
      }
      this.#schedule(0, () => this.#end());
      while (!this.#isEnded) {
        if (this.#error !== undefined) throw this.#error.reason;
        await this.#room();
      }
    } catch (error) {
      iterator.return?.(undefined).catch(() => {});
      throw error;
    }
  }

  async *receive(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      if (this.#error !== undefined) throw this.#error.reason;
      const chunk = this.#arrived.shift();
      if (chunk !== undefined) {
        this.#bytes -= chunk.byteLength;
        this.#wakeWriter();
        yield chunk;
      } else if (this.#isEnded) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      }
    }
  }

  stall(ms: number): void {
    this.#stalledUntil = this.#world.now() + ms;
  }

  break(reason: unknown): void {
    if (this.#isEnded) return;
    this.#error ??= { reason };
    this.#wakeReader();
    this.#wakeWriter();
  }

  #pass(chunk: Uint8Array): void {
    const { random } = this.#world;
    this.#bytes += chunk.byteLength;
    for (let at = 0; at < chunk.byteLength; ) {
      const left = chunk.byteLength - at;
      const size = random.chance(0.7) ? left : random.between(1, Math.min(left, 2000));
      // The sender may overwrite its chunk as soon as it is asked for the next one.
      const piece = chunk.slice(at, at + size);
      at += size;
      this.#schedule(size, () => this.#arrive(piece));
    }
  }

  #schedule(size: number, fn: () => void): void {
    const { latencyMs, jitterMs, bytesPerMs } = this.#quality;
    const start = Math.max(this.#world.now(), this.#stalledUntil);
    const at = start + latencyMs + this.#world.random.next() * jitterMs;
    this.#lastAt = Math.max(this.#lastAt, at) + size / bytesPerMs;
    this.#world.after(this.#lastAt - this.#world.now(), () => {
      if (!this.isDead && this.#error === undefined) fn();
    });
  }

  #arrive(piece: Uint8Array): void {
    if (this.flips > 0) {
      this.flips--;
      const bit = this.#world.random.between(0, piece.byteLength * 8 - 1);
      piece[bit >> 3]! ^= 1 << (bit & 7);
      this.#world.log(`flip ${bit} of ${piece.byteLength}`);
    }
    this.#arrived.push(piece);
    this.#wakeReader();
  }

  #end(): void {
    this.#isEnded = true;
    this.#wakeReader();
    this.#wakeWriter();
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeWriter = resolve;
    });
  }

  #orBroken<T>(next: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (this.#error !== undefined) reject(this.#error.reason);
        else this.#wakeWriter = check;
      };
      check();
      next.then(resolve, reject);
    });
  }
}

/** A link between two programs. */
export class Link {
  readonly ends: readonly [Transport, Transport];
  readonly name: string;
  readonly #joined: readonly [string, string];
  readonly #world: World;
  readonly #there: Direction;
  readonly #back: Direction;
  isUp = true;

  constructor(world: World, number: number, joined: readonly [string, string], isGood: boolean) {
    const { random } = world;
    this.name = `link ${number} of ${joined.join(' and ')}`;
    this.#joined = joined;
    this.#world = world;
    const quality = {
      latencyMs: random.between(0, isGood ? 20 : 300),
      jitterMs: random.between(0, isGood ? 5 : 100),
      bytesPerMs: isGood ? 1000 : random.pick([2, 20, 200, 2000]),
    };
    this.#there = new Direction(world, quality);
    this.#back = new Direction(world, quality);
    this.ends = [this.#end(this.#back, this.#there), this.#end(this.#there, this.#back)];
  }

  joins({ name }: { readonly name: string }): boolean {
    return this.#joined.includes(name);
  }

  /** Breaks it, so that both ends see it. */
  cut(): void {
    this.#log('cut');
    this.#break(new Error('the link broke'));
  }

  /** One direction goes dead, and nobody is told. */
  halfOpen(): void {
    this.#log('half-open');
    this.#world.random.pick([this.#there, this.#back]).isDead = true;
  }

  flip(): void {
    this.#log('will flip');
    this.#world.random.pick([this.#there, this.#back]).flips++;
  }

  stall(ms: number): void {
    this.#log(`stalls for ${ms}`);
    this.#there.stall(ms);
    this.#back.stall(ms);
  }

  #end(inward: Direction, outward: Direction): Transport {
    return {
      source: inward.receive(),
      sink: (chunks) => outward.send(chunks),
      abort: (reason = new Error('aborted here')) => {
        if (!this.isUp) return;
        this.isUp = false;
        this.#log('aborted');
        inward.break(reason);
        outward.break(reason);
      },
    };
  }

  #break(reason: unknown): void {
    this.isUp = false;
    this.#there.break(reason);
    this.#back.break(reason);
  }

  #log(what: string): void {
    this.#world.log(`${this.name} ${what}`);
  }
}
