/** One remote that replicates one feed with us: what it says on its channel, and what we ask it for. */
import { toHex } from '../../crypto/hex.ts';
import { ProtocolError } from '../../errors.ts';
import type { Channel, ChannelMessage } from '../../session/channel.ts';
import { type Deferred, deferred } from '../../stream/deferred.ts';
import type { Data, Have, Info, Unhave } from '../../wire/messages.ts';
import type { BlockStore } from '../block-store.ts';
import { Availability } from './availability.ts';
import { Deadline } from './deadline.ts';
import type { Replicator, Seek } from './replicator.ts';
import { Uploader } from './uploader.ts';

/** Requests without an answer. Enough to keep a fast line busy; the reference answers as many as are asked. */
const MAX_IN_FLIGHT = 64;
/**
 * Blocks asked for or received, and not stored yet. What is stored need not be sent along as proof any more: a
 * longer queue of what is not has more to prove, and is slower in the end.
 */
const MAX_UNSTORED = 128;
/** Received bytes that may wait for the disk before this peer is not read any further. */
const MAX_STORING_BYTES = 4_194_304;

export class Peer {
  readonly channel: Channel;
  readonly #store: BlockStore;
  readonly #replicator: Replicator;
  readonly #uploader: Uploader;
  readonly #available = new Availability();
  readonly #deadline: Deadline;
  readonly #done: Deferred<void> = deferred();
  /** Blocks asked for, and not answered yet. */
  readonly #asked = new Set<number>();
  /** What was asked by a byte of the feed, and not answered yet. */
  readonly #seeking = new Set<Seek>();
  /** The index that each seek was last sent with. The same one is sent again only after a Have. */
  #seekIndexes = new WeakMap<Seek, number>();
  #storing = 0;
  #storingBytes = 0;
  #onStored: (() => void) | undefined;
  #isReady = false;
  #hasTold = false;
  #isDone = false;
  /** It was silent past the deadline, so no answer is expected any more. */
  #isSilent = false;
  /** We have said that we download nothing more. */
  #saidDone = false;
  #remoteDownloading = true;
  #remoteUploading = true;
  #faults = 0;
  /** Refusals since the last block that was new. */
  #refusals = 0;

  /** @internal Use `feed.join`. */
  constructor(channel: Channel, store: BlockStore, replicator: Replicator) {
    this.channel = channel;
    this.#store = store;
    this.#replicator = replicator;
    this.#uploader = new Uploader(
      channel,
      store,
      channel.session.limits.requests,
      (index, bytes) => replicator.emit({ type: 'upload', index, bytes, peer: this }),
      () => replicator.update(),
    );
    this.#deadline = new Deadline(channel.session, {
      isWaiting: () => this.#asked.size + this.#seeking.size > 0 || !this.isSettled,
      isAsked: () => this.#asked.size > 0,
      isBehind: () => this.#storingBytes > MAX_STORING_BYTES,
      isReady: () => this.#isReady,
      onSlow: () => {
        this.#release();
        replicator.update();
      },
      onSilent: () => this.#onSilent(),
    });
    channel.receive((batch) => this.#take(batch));
    replicator.add(this);
    channel.opened.then(
      () => this.#ready(),
      () => {},
    );
    channel.closed.then(() => this.#leave());
    this.#deadline.watch();
  }

  /** The remote's Handshake id in hex: a name for messages, new with each connection. */
  get id(): string {
    return toHex(this.channel.session.remote.id);
  }

  /** In blocks: one past the highest block that the remote announced; 0 before it announces any. Not verified. */
  get remoteLength(): number {
    return this.#available.blocks.length;
  }

  /** Whether the remote announced that it has block `index`. Not verified. */
  remoteHas(index: number): boolean {
    return this.#available.blocks.has(index);
  }

  /** Resolves when neither side wants anything more of this feed, or the channel has closed. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Whether no more news of what the remote has is expected: it answered every Want, or its time ran out. */
  get isSettled(): boolean {
    return this.#isSilent || (this.#isReady && (!this.#isDownloader || this.#available.hasAnsweredWants));
  }

  /** @internal Whether the remote has told of anything, if only that it has nothing. */
  get hasTold(): boolean {
    return this.#hasTold;
  }

  /** @internal Whether the remote answers Requests. */
  get isUploading(): boolean {
    return this.#remoteUploading;
  }

  /** @internal What the remote has. */
  get available(): Availability {
    return this.#available;
  }

  /** @internal Whether another block may be asked for. */
  get hasRoom(): boolean {
    const asked = this.#asked.size;
    if (asked >= MAX_IN_FLIGHT || asked + this.#storing >= MAX_UNSTORED) return false;
    return this.#isReady && !this.#deadline.isSlow && this.#remoteUploading;
  }

  /** @internal Asks for a block. */
  ask(index: number): void {
    if (this.#asked.size === 0) this.#deadline.restart();
    this.#asked.add(index);
    this.channel.send({ type: 'request', index, bytes: 0, hash: false, nodes: this.#store.digest(index) });
    this.#deadline.watch();
  }

  /** @internal Asks for the block that holds a byte. */
  seek(seek: Seek): void {
    const { bytes, index } = seek;
    if (!this.#isReady || !this.#remoteUploading || this.#seekIndexes.get(seek) === index) return;
    this.#seekIndexes.set(seek, index);
    this.#seeking.add(seek);
    this.channel.send({ type: 'request', index, bytes, hash: false, nodes: 0 });
    this.#deadline.watch();
  }

  /** @internal Asks what the remote has of the blocks from `start` to before `end`. */
  want(start: number, end: number): void {
    if (!this.#isReady || !this.#isDownloader) return;
    for (const want of this.#available.ask(start, end)) this.channel.send({ type: 'want', ...want });
    this.#deadline.watch();
  }

  /** @internal */
  announce(start: number, length: number): void {
    this.#uploader.announce(start, length);
  }

  /** @internal */
  retract(start: number, length: number): void {
    this.#uploader.retract(start, length);
  }

  /** @internal Unless the session is live, tells the remote when we need nothing more, and resolves `done` when both sides do not. `isComplete`: whether the remote has nothing more for us. */
  finishIfDone(isComplete: () => boolean): void {
    const { session } = this.channel;
    if (session.live || !this.#isReady || this.#isDone) return;
    if (this.#isDownloader && !this.#saidDone) {
      const isBusy = this.#asked.size + this.#seeking.size + this.#storing > 0;
      if (isBusy || !this.isSettled || !isComplete()) return;
      this.#saidDone = true;
      this.channel.send({ type: 'info', uploading: true, downloading: false });
    }
    // A live remote never says that it has finished; whoever is not live need not wait for that.
    const remoteIsDone = !this.#remoteDownloading || (this.#isDownloader && session.remote.live);
    if (!remoteIsDone || !this.#uploader.isIdle) return;
    this.#isDone = true;
    if (!this.#isDownloader) this.channel.send({ type: 'info', uploading: false, downloading: false });
    this.#done.resolve();
  }

  /** A writer has every block already. */
  get #isDownloader(): boolean {
    return !this.#store.writable;
  }

  #ready(): void {
    this.#isReady = true;
    this.want(0, 1);
    this.#replicator.ready(this);
  }

  #leave(): void {
    this.#deadline.stop();
    this.#replicator.remove(this);
    this.#done.resolve();
  }

  #take(batch: readonly ChannelMessage[]): void | Promise<void> {
    for (const message of batch) {
      try {
        this.#on(message);
      } catch (error) {
        if (!(error instanceof ProtocolError) || error.code !== 'bad-message' || this.#isHostile) throw error;
        this.#fault(error.reason);
      }
    }
    this.#replicator.update();
    if (this.#storingBytes <= MAX_STORING_BYTES) return undefined;
    return new Promise((resolve) => {
      this.#onStored = resolve;
    });
  }

  #on(message: ChannelMessage): void {
    switch (message.type) {
      case 'have':
        return this.#onHave(message);
      case 'unhave':
        return this.#onUnhave(message);
      case 'want':
        return this.#uploader.want(message);
      case 'request':
        return this.#uploader.request(message);
      case 'cancel':
        return this.#uploader.cancel(message);
      case 'data':
        return this.#onData(message);
      case 'info':
        return this.#onInfo(message);
      case 'extension': {
        const { name, payload } = message;
        return this.#replicator.emit({ type: 'extension', name, payload, peer: this });
      }
      case 'unwant':
        // As in hypercore 7: who has sent one Want is told of everything.
        return;
    }
  }

  #onHave(have: Have): void {
    const { session } = this.channel;
    if (session.ack && have.ack && have.bitfield === undefined && this.#store.blocks.has(have.start)) {
      this.#replicator.emit({ type: 'ack', index: have.start, peer: this });
      return;
    }
    const before = this.remoteLength;
    this.#available.have(have);
    this.#hasTold = true;
    this.#replicator.offered(have.start, this);
    if (this.#seeking.size === 0) this.#seekIndexes = new WeakMap();
    const length = this.remoteLength;
    if (length > before) this.#replicator.emit({ type: 'remote-length', length, peer: this });
  }

  #onUnhave(unhave: Unhave): void {
    this.#available.unhave(unhave);
    for (const _ of this.#seeking) this.#refused();
    this.#seeking.clear();
    // Also the answer to a Request for a block that the remote has not.
    for (const index of this.#asked) {
      if (index < unhave.start || index >= unhave.start + Math.max(1, unhave.length)) continue;
      this.#asked.delete(index);
      this.#deadline.answered();
      this.#replicator.release(index, this);
      this.#refused();
    }
  }

  /** It was asked for what it said that it has, and brought nothing new. It may say so of blocks without end. */
  #refused(): void {
    const { session } = this.channel;
    if (++this.#refusals <= session.limits.refusals) return;
    session.abort(
      new ProtocolError(
        'refusal-flood',
        `peer ${this.id.slice(0, 16)} announced blocks and refused ${this.#refusals} requests for them in a row: ask another peer, or raise limits.refusals`,
        { peer: this.id },
      ),
    );
  }

  #onInfo({ uploading, downloading }: Info): void {
    this.#remoteDownloading = downloading;
    this.#remoteUploading = uploading;
    if (!uploading) this.#release();
  }

  #onData(data: Data): void {
    const { index, value } = data;
    const wasAsked = this.#asked.delete(index);
    if (value === undefined) {
      // Hashes alone are never asked for.
      this.#replicator.release(index, this);
      return this.#fault(`block ${index} was sent without its bytes`);
    }
    if (!wasAsked && !this.#takeSeek()) {
      if (!this.#store.blocks.has(index)) this.channel.send({ type: 'unhave', start: index });
      return this.#fault(`block ${index} was sent and not asked for`);
    }
    this.#deadline.answered();
    // Others were asked for it if this peer was slow; now that it is here, nobody needs to be.
    this.#replicator.reserve(index, this);
    this.#storing++;
    this.#storingBytes += value.byteLength;
    this.#store.put(data, this.channel.session.limits).then(
      ({ isNew }) => {
        this.#stored(value.byteLength);
        if (isNew) {
          this.#refusals = 0;
          this.#replicator.stored(index, value.byteLength, this);
        } else {
          this.#replicator.release(index, this);
          if (!wasAsked) this.#refused();
        }
        if (this.channel.session.remote.ack) {
          this.channel.send({ type: 'have', start: index, length: 1, ack: true });
        }
        this.#replicator.update();
      },
      (error) => {
        this.#stored(value.byteLength);
        this.#replicator.release(index, this);
        this.#reject(index, error);
      },
    );
  }

  /** Any Data may be the answer where a byte was asked for: the block is for the remote to find. */
  #takeSeek(): boolean {
    for (const seek of this.#seeking) return this.#seeking.delete(seek);
    return false;
  }

  #timeout(what: string, block?: number): ProtocolError {
    const { idleMs } = this.channel.session.limits;
    return new ProtocolError(
      'timeout',
      `peer ${this.id.slice(0, 16)} did not ${what} within ${idleMs / 1000} s`,
      { block, peer: this.id },
    );
  }

  /** Nothing came within the deadline. */
  #onSilent(): void {
    const { session } = this.channel;
    const [block] = this.#asked;
    if (block !== undefined)
      return session.abort(this.#timeout(`answer the request for block ${block}`, block));
    if (this.#isReady && !this.isSettled && !session.live) {
      return session.abort(this.#timeout('tell what it has'));
    }
    // It may not have the feed, or not answer Wants, or not answer for the same byte twice. All of that is
    // allowed. What it sends later is still accepted.
    this.#isSilent = true;
    this.#seeking.clear();
    if (!this.#isReady && !session.live) this.#done.resolve();
    this.#replicator.update();
  }

  #stored(bytes: number): void {
    this.#storing--;
    this.#storingBytes -= bytes;
    if (this.#storingBytes <= MAX_STORING_BYTES) this.#onStored?.();
  }

  #reject(block: number, error: unknown): void {
    if (!(error instanceof ProtocolError)) {
      this.#replicator.fail(error);
      return;
    }
    const named = new ProtocolError(error.code, `peer ${this.id.slice(0, 16)}: ${error.reason}`, {
      cause: error,
      block,
      peer: this.id,
    });
    this.#replicator.emit({ type: 'rejected', block, peer: this, error: named });
    this.channel.session.abort(named);
  }

  /** Counts a wrong message. One may be a mistake, so only too many of them end the session. */
  #fault(reason: string): void {
    this.#faults++;
    if (this.#isHostile)
      throw new ProtocolError(
        'bad-message',
        `peer ${this.id.slice(0, 16)} sent ${this.#faults} messages that are wrong, the last because ${reason}`,
        { peer: this.id },
      );
  }

  get #isHostile(): boolean {
    return this.#faults > this.channel.session.limits.unreadableMessages;
  }

  /** Lets other peers be asked for the blocks that this one was asked for. A late answer is still accepted. */
  #release(): void {
    for (const index of this.#asked) this.#replicator.release(index, this);
  }
}
