/** Asks one peer for blocks, and takes what it sends. */
import { ProtocolError } from '../../errors.ts';
import type { Channel } from '../../session/channel.ts';
import { type Deferred, deferred } from '../../stream/deferred.ts';
import type { Data, Request, Unhave } from '../../wire/messages.ts';
import type { BlockStore } from '../block-store.ts';
import type { Outcome } from '../intake.ts';
import type { Deadline } from './deadline.ts';
import type { Seek } from './replicator.ts';
import type { PeerFault } from './standing.ts';

/** Requests without an answer. Enough to keep a fast line busy; the reference answers as many as are asked. */
const MAX_IN_FLIGHT = 64;
/**
 * Blocks asked for or received, and not stored yet. What is stored need not be sent along as proof any more: a
 * longer queue of what is not has more to prove, and is slower in the end.
 */
const MAX_UNSTORED = 128;
/** Received bytes that may wait for the disk before this peer is not read any further. */
const MAX_STORING_BYTES = 4_194_304;

/**
 * Requests under way from which on the next ones may be answered as a batch. A few are sent as hypercore 7 sends them.
 */
const MIN_BATCH = 8;

/** A block that came, and is not stored yet. */
interface Arrived {
  readonly data: Data;
  readonly bytes: number;
  /** What it was asked with; `undefined` for the answer to a seek. */
  readonly request: Request | undefined;
}

/** Who is told what became of a Request. */
export interface DownloaderHost {
  /** The block came, and is being stored: nobody else needs to be asked. */
  reserve(index: number): void;
  /** The block was not brought after all: others may be asked. */
  release(index: number): void;
  /** The block was verified and stored. */
  stored(index: number, bytes: number): void;
  /** What came for the block could not be stored: a ProtocolError where its proof fails. */
  rejected(index: number, error: unknown): void;
  /** The remote sent what is wrong, or not what it announced, either of which may be a mistake. */
  fault(fault: PeerFault, reason: string): void;
  /** There may be room to ask for more. */
  update(): void;
}

export class Downloader {
  readonly #channel: Channel;
  readonly #store: BlockStore;
  readonly #deadline: Deadline;
  readonly #host: DownloaderHost;
  /** Requests for blocks that are not answered yet, by the block. */
  readonly #asked = new Map<number, Request>();
  /** What was asked by a byte of the feed, and not answered yet. */
  readonly #seeking = new Set<Seek>();
  /** The index that each seek was last sent with. The same one is sent again only after a Have. */
  #seekIndexes = new WeakMap<Seek, number>();
  #arrived: Arrived[] = [];
  /** Blocks that came and are not stored yet, and their bytes. */
  #storing = 0;
  #storingBytes = 0;
  #room: Deferred<void> | undefined;
  #unsent: 'none' | 'some' | 'more' = 'none';
  #count = 0;
  /** The block that was asked for with its whole proof, and is not answered yet. */
  #inFull: number | undefined;
  #hasAskedInFull = false;
  /** Answers may count on those before them. Not after one that could not, until nothing is under way any more. */
  #mayBatch = true;

  constructor(channel: Channel, store: BlockStore, deadline: Deadline, host: DownloaderHost) {
    this.#channel = channel;
    this.#store = store;
    this.#deadline = deadline;
    this.#host = host;
  }

  /** Blocks that came from this peer, verified and stored. */
  get count(): number {
    return this.#count;
  }

  /** A block that the peer owes. */
  get owed(): number | undefined {
    const [block] = this.#asked.keys();
    return block;
  }

  /** Whether an answer is outstanding. */
  get isWaiting(): boolean {
    return this.#asked.size + this.#seeking.size > 0;
  }

  /** Whether an answer is outstanding, or being stored. */
  get isBusy(): boolean {
    return this.isWaiting || this.#storing > 0;
  }

  /** Whether Requests still wait for the transport. */
  get hasUnsent(): boolean {
    return this.#unsent !== 'none';
  }

  /** Whether more has come than the disk keeps up with. */
  get isBehind(): boolean {
    return this.#storingBytes > MAX_STORING_BYTES;
  }

  /** Resolves when the disk has caught up; `undefined` where it is not behind. */
  get room(): Promise<void> | undefined {
    if (!this.isBehind) return undefined;
    this.#room ??= deferred();
    return this.#room.promise;
  }

  /** Whether another block may be asked for. */
  get hasRoom(): boolean {
    const asked = this.#asked.size;
    const mayBeAsked = !this.#deadline.isSlow && this.#inFull === undefined;
    return asked < MAX_IN_FLIGHT && asked + this.#storing < MAX_UNSTORED && mayBeAsked;
  }

  /** Asks for a block. */
  ask(index: number): void {
    if (this.#asked.size === 0) {
      this.#deadline.restart();
      this.#mayBatch = true;
    }
    this.#askWith(index, this.#store.digest(index), this.#mayBatch && this.#asked.size >= MIN_BATCH);
  }

  #askWith(index: number, nodes: number, batched: boolean): void {
    const request: Request = {
      type: 'request',
      index,
      bytes: 0,
      hash: false,
      nodes,
      ...(batched && { batched }),
    };
    this.#asked.set(index, request);
    this.#send(request);
  }

  /**
   * A proof that leans on nodes held here may fail because the peer has another history: once, it is asked for
   * the whole, which tells a fork from a lie. Until that comes, nothing else that is wrong is held against it.
   */
  #askInFull(index: number, nodes: number): boolean {
    if (this.#inFull !== undefined) return true;
    if (nodes === 0 || this.#hasAskedInFull) return false;
    this.#inFull = index;
    this.#hasAskedInFull = true;
    this.#askWith(index, 0, false);
    return true;
  }

  /** Asks for the block that holds a byte. */
  seek(seek: Seek): void {
    const { bytes, index } = seek;
    if (this.#seekIndexes.get(seek) === index) return;
    this.#seekIndexes.set(seek, index);
    this.#seeking.add(seek);
    this.#send({ type: 'request', index, bytes, hash: false, nodes: 0 });
  }

  #send(request: Request): void {
    this.#channel.send(request);
    if (this.#unsent === 'none') this.#markUnsent();
    else this.#unsent = 'more';
    this.#deadline.watch();
  }

  /** Until what is queued by now has gone out, and what was queued meanwhile. */
  #markUnsent(): void {
    this.#unsent = 'some';
    this.#channel.sendLater(() => {
      if (this.#unsent === 'more') this.#markUnsent();
      else this.#unsent = 'none';
      return undefined;
    });
  }

  /** The remote tells of blocks it has: what it could not find before, it may find now. */
  offered(): void {
    if (this.#seeking.size === 0) this.#seekIndexes = new WeakMap();
  }

  /** The remote has these blocks not, or no longer. Also the answer to a Request for a block that it has not. */
  unhave({ start, length }: Unhave): void {
    const isMeant = (index: number): boolean => index >= start && index < start + Math.max(1, length);
    for (const seek of this.#seeking) {
      // Of other blocks it tells that they were cleared meanwhile, and the answer is still to come.
      if (!isMeant(this.#seekIndexes.get(seek)!)) continue;
      this.#seeking.delete(seek);
      this.#host.fault('refused', `it found no block with byte ${seek.bytes}`);
    }
    for (const index of this.#asked.keys()) {
      if (!isMeant(index)) continue;
      this.#asked.delete(index);
      this.#deadline.answered();
      this.#answered(index);
      this.#host.release(index);
      this.#host.fault('refused', `it did not send block ${index}`);
    }
  }

  /** No answer to a seek is expected any more. */
  stopSeeking(): void {
    this.#seeking.clear();
  }

  /** Lets other peers be asked for the blocks that this one was asked for. A late answer is still accepted. */
  release(): void {
    for (const index of this.#asked.keys()) this.#host.release(index);
  }

  /** A block came. What came together is stored together, by {@link store}. */
  data(data: Data): void {
    const { index, value } = data;
    const request = this.#asked.get(index);
    this.#asked.delete(index);
    this.#answered(index);
    if (value === undefined) {
      // Hashes alone are never asked for.
      this.#host.release(index);
      return this.#host.fault('wrong', `block ${index} was sent without its bytes`);
    }
    if (request === undefined && !this.#takeSeek()) {
      if (!this.#store.blocks.has(index)) this.#channel.send({ type: 'unhave', start: index });
      return this.#host.fault('wrong', `block ${index} was sent and not asked for`);
    }
    // Others were asked for it if this peer was slow; now that it is here, nobody needs to be.
    this.#host.reserve(index);
    // It answers after all: what it still owes, and nobody else was asked for, is not to be asked of it twice.
    if (this.#deadline.isSlow) for (const owed of this.#asked.keys()) this.#host.reserve(owed);
    this.#storing++;
    this.#storingBytes += value.byteLength;
    this.#arrived.push({ data, bytes: value.byteLength, request });
  }

  /** Stores what has come. */
  store(): void {
    const arrived = this.#arrived;
    if (arrived.length === 0) return;
    this.#arrived = [];
    this.#deadline.answered();
    const stored = this.#store.putAll(
      arrived.map(({ data }) => data),
      this.#channel.session.limits,
    );
    void stored.then((outcomes) => {
      for (let i = 0; i < arrived.length; i++) this.#onOutcome(arrived[i]!, outcomes[i]!);
      this.#host.update();
    });
  }

  #onOutcome({ data: { index }, bytes, request }: Arrived, outcome: Outcome): void {
    this.#storing--;
    this.#storingBytes -= bytes;
    if (!this.isBehind) {
      this.#room?.resolve();
      this.#room = undefined;
    }
    if ('error' in outcome) {
      const { error } = outcome;
      const isUnproven = error instanceof ProtocolError && error.code === 'verification';
      this.#host.release(index);
      // One before it may have failed to come, so it is asked for again, alone.
      if (isUnproven && request?.batched) this.#mayBatch = false;
      else if (isUnproven && this.#askInFull(index, request?.nodes ?? 0))
        this.#host.fault('unproven', error.reason);
      else this.#host.rejected(index, error);
      return;
    }
    if (outcome.isNew) {
      this.#count++;
      this.#host.stored(index, bytes);
    } else {
      this.#host.release(index);
      // The answer to a seek is to bring what is missing here.
      if (request === undefined) this.#host.fault('refused', `it sent block ${index}, which is here`);
    }
    if (this.#channel.session.remote.ack)
      this.#channel.send({ type: 'have', start: index, length: 1, ack: true });
  }

  #answered(index: number): void {
    if (this.#inFull === index) this.#inFull = undefined;
  }

  /** Any Data may be the answer where a byte was asked for: the block is for the remote to find. */
  #takeSeek(): boolean {
    for (const seek of this.#seeking) return this.#seeking.delete(seek);
    return false;
  }
}
