/** Answers one peer's Wants and Requests. A Request waits as a few numbers until the transport can take its block. */

import { ProtocolError } from '../../errors.ts';
import type { Channel, ChannelSendable } from '../../session/channel.ts';
import type { Cancel, Data, Request, Want } from '../../wire/messages.ts';
import { encodeRle, encodeZeros } from '../../wire/rle.ts';
import type { BlockStore } from '../block-store.ts';

type Answer = Exclude<ChannelSendable, { type: 'extension' }>;

/** Bytes of blocks that are read together: the memory of a batch, or else that of one block. */
const BATCH_BYTES = 262_144;
const BATCH_BLOCKS = 64;

interface News {
  readonly type: 'have' | 'unhave';
  readonly start: number;
  length: number;
}

/** A bitfield has whole bytes, and hypercore's pages have 8192 blocks. */
const PAGE = 8192;
/** The last page border that is an exact number. */
const MAX_COVERED = 2 ** 53 - PAGE;
/** Ranges of news that are kept for a peer; past them it is told by the bits of all that they lie in. */
const MAX_NEWS = 1024;
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
  /** Requests without an answer, the oldest first. */
  readonly #waiting = new Set<Request>();
  /** Requests that were taken back since the last answers: a flood all the same. */
  #cancelled = 0;
  /** Wants without an answer, by start and length. */
  readonly #wants = new Set<string>();
  /** Ranges that the peer is to be told of. */
  #news: News[] = [];
  /** Regions that the peer is to be told of anew, since too much happened in them. */
  readonly #regions = new Set<number>();
  /** Other answers that wait for the transport. */
  #queued = 0;
  /** The answers to Requests wait for the transport, or are being read. */
  #isAnswerDue = false;
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
    return this.#waiting.size === 0;
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
    for (let start = 0; start < this.#store.length; start += REGION) this.#regions.add(start);
    if (this.#regions.size > 0) this.#channel.sendLater(() => this.#nextNews());
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
    const covered =
      length === 0 ? 0 : Math.min(Math.ceil((start + length - from) / PAGE) * PAGE, MAX_COVERED);
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
    const isFirst = this.#news.length + this.#regions.size === 0;
    this.#news.push({ ...news });
    if (this.#news.length > MAX_NEWS) this.#join();
    if (isFirst) this.#channel.sendLater(() => this.#nextNews());
  }

  /** What the bits say now is all that a peer has missed. */
  #join(): void {
    for (const { start, length } of this.#news) {
      const end = Math.min(start + length, this.#store.length);
      for (let at = start - (start % REGION); at < end; at += REGION) this.#regions.add(at);
    }
    this.#news = [];
  }

  #nextNews(): Answer | undefined {
    const [region] = this.#regions;
    if (region !== undefined) this.#regions.delete(region);
    const news =
      region === undefined ? this.#news.shift() : this.#bitfield({ start: region, length: REGION });
    if (this.#news.length + this.#regions.size > 0) this.#channel.sendLater(() => this.#nextNews());
    return news;
  }

  /** @throws ProtocolError `request-flood` where too many wait. */
  request(request: Request): void {
    if (this.#isRefusing) return this.#answerLater(() => ({ type: 'unhave', start: request.index }));
    this.#assertRoom();
    this.#waiting.add(request);
    this.#answerRequests();
  }

  cancel({ index, bytes, hash }: Cancel): void {
    for (const request of this.#waiting) {
      if (request.index !== index || request.bytes !== bytes || request.hash !== hash) continue;
      this.#waiting.delete(request);
      this.#cancelled++;
    }
  }

  #answerLater(answer: () => Answer): void {
    this.#assertRoom();
    this.#queued++;
    this.#channel.sendLater(() => {
      this.#queued--;
      return answer();
    });
  }

  #assertRoom(): void {
    const waiting = this.#queued + this.#waiting.size + this.#cancelled;
    if (waiting < this.#maxRequests) return;
    throw new ProtocolError(
      'request-flood',
      `the remote has ${waiting} requests waiting and sends more: if it is a good peer, raise limits.requests`,
    );
  }

  /** Answers what waits when the transport can take it, as much together as goes into one batch. */
  #answerRequests(): void {
    if (this.#isAnswerDue || this.#waiting.size === 0) return;
    this.#isAnswerDue = true;
    this.#channel.sendLater(() => this.#answers());
  }

  async #answers(): Promise<Answer[]> {
    this.#cancelled = 0;
    // The feed may have been closed meanwhile, and the session go on with others.
    if (this.#channel.isEnded) return [];
    const requests: Request[] = [];
    for (const request of this.#waiting) if (requests.push(request) === this.#batchLength) break;
    try {
      const answers = await this.#store.answerAll(requests, BATCH_BYTES);
      // One that was cancelled meanwhile is not answered.
      return answers.flatMap((data, i) =>
        this.#waiting.delete(requests[i]!) ? this.#answer(requests[i]!, data) : [],
      );
    } catch (error) {
      if (!this.#channel.isEnded) this.#channel.session.abort(error);
      return [];
    } finally {
      this.#isAnswerDue = false;
      this.#answerRequests();
      if (this.isIdle) this.#onIdle();
    }
  }

  /** How many blocks of the mean size go into one batch. */
  get #batchLength(): number {
    const { length, byteLength } = this.#store;
    return Math.max(1, Math.min(BATCH_BLOCKS, Math.ceil((BATCH_BYTES * length) / Math.max(1, byteLength))));
  }

  #answer(request: Request, data: Data | undefined): Answer {
    // The reference is silent here, and its peer waits for its deadline.
    if (data === undefined || !this.#channel.fits(data)) return { type: 'unhave', start: request.index };
    this.#count++;
    if (data.value !== undefined) this.#onUpload(data.index, data.value.byteLength);
    return data;
  }
}
