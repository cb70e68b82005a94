/** The way in: the first frame in clear, then what follows, deciphered, as packets to the router. */
import type { Keystream } from '../crypto/provider.ts';
import type { Limits } from '../limits.ts';
import type { Feed, Packet } from '../wire/messages.ts';
import { Unpacker } from '../wire/packet.ts';
import type { Ending } from './ending.ts';
import { type FirstFrame, Opening } from './handshake.ts';
import type { Keepalive } from './keepalive.ts';
import type { Router } from './router.ts';
import type { Tracer } from './tracer.ts';

/** Who is told of it. */
export interface IncomingHost {
  readonly limits: Limits;
  /** A chunk came. */
  onReceived(): void;
  /** The remote's first Feed. Resolves with what deciphers all that follows it; `undefined` where that is in clear. */
  onFirstFeed(feed: Feed): Promise<Keystream | undefined>;
  /** The remote has ended its direction, at a proper place. */
  onRemoteEnd(): void;
  onTransportError(error: unknown): void;
  /** What came is at fault, or what was done with it. */
  abort(error: unknown): void;
}

/**
 * How often a reader of a full channel gets to go on, once this side has ended, before the channel counts as one that
 * nobody reads. A reader at work is not to be told from one that is stuck but by waiting for it, and a stuck one may
 * not keep a session from closing: in test/session/closing.test.ts, "loses nothing of what was queued" fails without
 * this, and "hears the remote’s end although nobody reads" with a wait for time.
 */
const PATIENCE_TURNS = 1000;

export class Incoming {
  readonly #host: IncomingHost;
  readonly #tracer: Tracer;
  readonly #router: Router;
  readonly #keepalive: Keepalive;
  readonly #ending: Ending;
  #chunks: AsyncIterator<Uint8Array> | undefined;
  /** Reads the first frame, then what follows it. */
  #frames: Opening | Unpacker;
  #decipher: Keystream | undefined;
  #receivedBytes = 0;
  /** Of those, the bytes up to the last message that came whole. */
  #routedBytes = 0;
  /** Whether the next chunk is not to be asked for, and whether it would have been. */
  #hold: 'none' | 'held' | 'asked' = 'none';

  constructor(host: IncomingHost, tracer: Tracer, router: Router, keepalive: Keepalive, ending: Ending) {
    this.#host = host;
    this.#tracer = tracer;
    this.#router = router;
    this.#keepalive = keepalive;
    this.#ending = ending;
    this.#frames = new Opening(host.limits);
  }

  /** The frame that is on its way: where it starts in all that was received, and how much of it came so far. */
  get arriving(): { readonly start: number; readonly bytes: number } {
    return { start: this.#routedBytes, bytes: this.#receivedBytes - this.#routedBytes };
  }

  /** Reads until the end. Called once. */
  read(source: AsyncIterable<Uint8Array>): void {
    try {
      this.#chunks = source[Symbol.asyncIterator]();
      this.#next();
    } catch (error) {
      this.#host.onTransportError(error);
    }
  }

  /** Takes in nothing more after this chunk, until {@link goOn}. */
  hold(): void {
    this.#hold = 'held';
  }

  goOn(): void {
    const wasAsked = this.#hold === 'asked';
    this.#hold = 'none';
    if (wasAsked) this.#next();
  }

  /** Asks for the next chunk. Not a loop in an async function, whose suspended state takes several times as much. */
  #next(): void {
    if (this.#ending.isOver) return this.#leave();
    if (this.#hold !== 'none') {
      this.#hold = 'asked';
      return;
    }
    try {
      Promise.resolve(this.#chunks!.next()).then(
        ({ value, done }) => (done ? this.#onEnd() : this.#onChunk(value)),
        (error) => this.#host.onTransportError(error),
      );
    } catch (error) {
      this.#host.onTransportError(error);
    }
  }

  #onChunk(chunk: Uint8Array): void {
    this.#receivedBytes += chunk.byteLength;
    this.#tracer.chunk('in', chunk);
    this.#host.onReceived();
    const busy = this.#take(chunk);
    if (busy === undefined) this.#next();
    else
      busy.then(
        () => this.#next(),
        (error) => this.#host.abort(error),
      );
  }

  /** Lets the source free what it holds. The session has ended, so what it throws then is nobody's concern any more. */
  #leave(): void {
    const { return: leave } = this.#chunks!;
    if (leave !== undefined) new Promise((resolve) => resolve(leave.call(this.#chunks))).catch(() => {});
  }

  #onEnd(): void {
    try {
      this.#frames.end();
    } catch (error) {
      return this.#host.abort(error);
    }
    this.#host.onRemoteEnd();
  }

  /** Takes a chunk in. A promise where the next one has to wait. */
  #take(chunk: Uint8Array): Promise<void> | undefined {
    try {
      if (this.#frames instanceof Unpacker) return this.#unpack(this.#frames, chunk);
      const first = this.#frames.push(chunk);
      return first && this.#meet(first);
    } catch (error) {
      this.#host.abort(error);
      return undefined;
    }
  }

  /** The remote has said which feed it means, in clear. */
  async #meet({ channel, feed, skipped, byteLength, rest }: FirstFrame): Promise<void> {
    try {
      const opening = { channel, message: feed };
      this.#tracer.skipped(skipped);
      this.#tracer.frame('in', opening, byteLength);
      this.#keepalive.received();
      this.#decipher = await this.#host.onFirstFeed(feed);
      if (this.#ending.isOver) return;
      this.#router.route(opening);
      const frames = new Unpacker(this.#host.limits, this.#tracer);
      this.#frames = frames;
      if (rest.byteLength > 0) await this.#unpack(frames, rest);
    } catch (error) {
      this.#host.abort(error);
    }
  }

  /** Enciphered bytes to packets, and those to their channels: what came whole before a fault counts. */
  #unpack(frames: Unpacker, chunk: Uint8Array): Promise<void> | undefined {
    const packets: Packet[] = [];
    try {
      this.#decipher?.xor(chunk);
      frames.push(chunk, packets);
    } finally {
      frames.flush();
      if (packets.length > 0) this.#route(packets);
    }
    return this.#router.isFull ? this.#waitForRoom() : undefined;
  }

  #route(packets: readonly Packet[]): void {
    this.#routedBytes = this.#receivedBytes;
    for (const packet of packets) {
      // It may have ended by the one before.
      if (this.#ending.isOver) return;
      this.#tracer.routed(packet);
      this.#router.route(packet);
    }
    this.#router.flush();
  }

  async #waitForRoom(): Promise<void> {
    this.#keepalive.suspend();
    while (this.#router.isFull && this.#ending.isOpen) await this.#router.change();
    if (this.#ending.isOpen) return this.#keepalive.resume();
    for (let turn = 0; turn < PATIENCE_TURNS && this.#router.isFull; turn++) await undefined;
    this.#router.dropUnread();
  }
}
