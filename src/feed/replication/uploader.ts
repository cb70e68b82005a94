/** Answers one peer's Wants and Requests. A Request waits as a few numbers until the transport can take its block. */

import { ProtocolError } from '../../errors.ts';
import type { Channel, ChannelSendable } from '../../session/channel.ts';
import type { MaybePromise } from '../../stream/stage.ts';
import type { Cancel, Request, Want } from '../../wire/messages.ts';
import { encodeRle, encodeZeros } from '../../wire/rle.ts';
import type { BlockStore } from '../block-store.ts';

type Answer = Exclude<ChannelSendable, { type: 'extension' }>;

interface News {
  readonly type: 'have' | 'unhave';
  readonly start: number;
  length: number;
}

/** A bitfield has whole bytes, and hypercore's pages have 8192 blocks. */
const PAGE = 8192;
/** Blocks of a bitfield that answers an open-ended Want: what fits a frame uncompressed. */
const MAX_OPEN_WANT = 33_554_432;

/** Blocks of a bitfield that is not the answer to a Want; hypercore 7 takes one of 1048576 for an answer. */
const REGION = 524_288;

export class Uploader {
  readonly #channel: Channel;
  readonly #store: BlockStore;
  readonly #maxRequests: number;
  readonly #onUpload: (index: number, bytes: number) => void;
  readonly #onIdle: () => void;
  readonly #waiting = new Set<Request>();
  /** Wants without an answer, by start and length. */
  readonly #wants = new Set<string>();
  /** Ranges that the peer is to be told of. */
  readonly #news: News[] = [];
  /** Answers that wait for the transport; those to cancelled Requests among them. */
  #queued = 0;
  /** Blocks that are being read. */
  #answering = 0;
  /** The peer has sent a Want and is told of new blocks from then on. */
  #isWanted = false;
  /** When it was paused; `undefined` where it is not. */
  #pausedAt: number | undefined;
  #count = 0;

  constructor(
    channel: Channel,
    store: BlockStore,
    maxRequests: number,
    onUpload: (index: number, bytes: number) => void,
    onIdle: () => void,
  ) {
    this.#channel = channel;
    this.#store = store;
    this.#maxRequests = maxRequests;
    this.#onUpload = onUpload;
    this.#onIdle = onIdle;
  }

  /** Blocks that went out. */
  get count(): number {
    return this.#count;
  }

  /** Whether every Request was answered. */
  get isIdle(): boolean {
    return this.#waiting.size + this.#answering === 0;
  }

  /**
   * Answers in hypercore 7's way: first that we have the last block, then a bitfield of just that range.
   * @throws ProtocolError `request-flood` where too many wait.
   */
  want(want: Want): void {
    const { blocks, length } = this.#store;
    if (!this.#isWanted && !this.#isPaused && length > 0 && blocks.has(length - 1))
      this.#channel.send({ type: 'have', start: length - 1 });
    this.#isWanted = true;
    const name = `${want.start} ${want.length}`;
    if (this.#wants.has(name)) return;
    this.#wants.add(name);
    this.#answerLater(() => {
      this.#wants.delete(name);
      return this.#bitfield(want);
    });
  }

  /**
   * Paused, everything that was announced is taken back, and announced again afterwards. By bitfields:
   * hypercore 7 takes an Unhave of everything amiss, and then asks for what it has, again and again.
   */
  setPaused(isPaused: boolean): void {
    this.#pausedAt = isPaused ? this.#channel.session.clock.now() : undefined;
    if (isPaused) this.#news.length = 0;
    if (!this.#isWanted) return;
    for (let start = 0; start < this.#store.length; start += REGION)
      this.#channel.sendLater(() => this.#bitfield({ start, length: REGION }));
  }

  get #isPaused(): boolean {
    return this.#pausedAt !== undefined;
  }

  /** What the peer asked before it knew of the pause is answered: hypercore 7 hangs up if its Requests are not. */
  get #isRefusing(): boolean {
    const { clock, limits } = this.#channel.session;
    return this.#pausedAt !== undefined && clock.now() >= this.#pausedAt + limits.idleMs;
  }

  #bitfield({ start, length }: Pick<Want, 'start' | 'length'>): Answer {
    const { blocks, length: ours } = this.#store;
    const from = Math.floor(start / PAGE) * PAGE;
    const covered = length === 0 ? 0 : Math.ceil((start + length - from) / PAGE) * PAGE;
    const here = Math.max(0, Math.min(ours - from, covered || MAX_OPEN_WANT, MAX_OPEN_WANT));
    const bitfield = this.#isPaused
      ? encodeZeros(Math.ceil(here / 8))
      : encodeRle(blocks.slice(from, Math.ceil(here / 8) * 8));
    return { type: 'have', start: from, length: covered, bitfield };
  }

  /** Tells of blocks that are here now. */
  announce(start: number, length: number): void {
    this.#tell({ type: 'have', start, length });
  }

  /** Tells of blocks that are here no longer. */
  retract(start: number, length: number): void {
    this.#tell({ type: 'unhave', start, length });
  }

  /** A peer that takes nothing must not make us pile up news for it: blocks in a row wait as one range. */
  #tell(news: News): void {
    if (!this.#isWanted || this.#isPaused) return;
    const last = this.#news.at(-1);
    if (last?.type === news.type && last.start + last.length === news.start) {
      last.length += news.length;
      return;
    }
    this.#news.push({ ...news });
    if (this.#news.length === 1) this.#channel.sendLater(() => this.#nextNews());
  }

  #nextNews(): Answer | undefined {
    const news = this.#news.shift();
    if (this.#news.length > 0) this.#channel.sendLater(() => this.#nextNews());
    return news;
  }

  /** @throws ProtocolError `request-flood` where too many wait. */
  request(request: Request): void {
    if (this.#isRefusing) return this.#answerLater(() => ({ type: 'unhave', start: request.index }));
    this.#waiting.add(request);
    this.#answerLater(() => this.#answer(request));
  }

  #answerLater(answer: () => MaybePromise<Answer | undefined>): void {
    if (this.#queued >= this.#maxRequests) {
      throw new ProtocolError(
        'request-flood',
        `the remote has ${this.#queued} requests waiting and sends more: if it is a good peer, raise limits.requests`,
      );
    }
    this.#queued++;
    this.#channel.sendLater(() => {
      this.#queued--;
      return answer();
    });
  }

  cancel({ index, bytes, hash }: Cancel): void {
    for (const request of this.#waiting) {
      if (request.index === index && request.bytes === bytes && request.hash === hash)
        this.#waiting.delete(request);
    }
  }

  async #answer(request: Request): Promise<Answer | undefined> {
    if (!this.#waiting.delete(request)) return undefined;
    this.#answering++;
    try {
      const data = await this.#store.answer(request);
      // The reference is silent here, and its peer waits for its deadline.
      if (data === undefined || !this.#channel.fits(data)) return { type: 'unhave', start: request.index };
      this.#count++;
      if (data.value !== undefined) this.#onUpload(data.index, data.value.byteLength);
      return data;
    } catch (error) {
      this.#channel.session.abort(error);
      return undefined;
    } finally {
      this.#answering--;
      if (this.isIdle) this.#onIdle();
    }
  }
}
