/** One remote that replicates one feed with us: what it says on its channel, and what we ask it for. */
import { toHex } from '../../crypto/hex.ts';
import { ProtocolError, type ProtocolErrorCode } from '../../errors.ts';
import type { Channel, ChannelMessage } from '../../session/channel.ts';
import { type Deferred, deferred } from '../../stream/deferred.ts';
import type { Have, Info } from '../../wire/messages.ts';
import type { BlockStore } from '../block-store.ts';
import { ForkError } from '../merkle/fork.ts';
import { Availability } from './availability.ts';
import { Deadline } from './deadline.ts';
import { Downloader } from './downloader.ts';
import type { Replicator, Seek } from './replicator.ts';
import { type PeerFault, type PeerFaults, Standing } from './standing.ts';
import { Uploader } from './uploader.ts';

/** One remote that replicates one feed with this side. */
export class Peer {
  readonly channel: Channel;
  readonly #store: BlockStore;
  readonly #replicator: Replicator;
  readonly #uploader: Uploader;
  readonly #downloader: Downloader;
  readonly #available = new Availability();
  readonly #deadline: Deadline;
  readonly #done: Deferred<void> = deferred();
  #isReady = false;
  #hasTold = false;
  #isDone = false;
  #isPaused = false;
  /** It was silent past the deadline, so no answer is expected any more. */
  #isSilent = false;
  /** We have said that we download nothing more. */
  #saidDone = false;
  #remoteDownloading = true;
  #remoteUploading = true;
  readonly #standing = new Standing();

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
      isWaiting: () => this.#downloader.isWaiting || !this.#hasAnswered,
      isAsked: () => this.#downloader.owed !== undefined,
      isBehind: () => this.#downloader.isBehind,
      hasUnsent: () => this.#downloader.hasUnsent,
      isReady: () => this.#isReady,
      onSlow: () => {
        this.#fault('slow', 'a block took long');
        this.#downloader.release();
        replicator.update();
      },
      onSilent: () => this.#onSilent(),
    });
    this.#downloader = new Downloader(channel, store, this.#deadline, {
      reserve: (index) => replicator.reserve(index, this),
      release: (index) => replicator.release(index, this),
      stored: (index, bytes) => {
        this.#standing.brought();
        replicator.stored(index, bytes, this);
      },
      rejected: (index, error) => this.#reject(index, error),
      fault: (fault, reason) => this.#fault(fault, reason),
      update: () => replicator.update(),
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

  /** Blocks that came from this peer, verified and stored. */
  get downloaded(): number {
    return this.#downloader.count;
  }

  /** Blocks that went out to this peer. */
  get uploaded(): number {
    return this.#uploader.count;
  }

  /** What the peer did wrong so far. The feed's event `fault` tells of each as it happens. */
  get faults(): PeerFaults {
    return this.#standing.faults;
  }

  /** @internal Whether others are asked first. */
  get isDoubtful(): boolean {
    return this.#standing.isDoubtful(this.downloaded);
  }

  /** Ends the session that the peer is part of, at once. */
  drop(reason: unknown = new Error('the peer was dropped')): void {
    this.channel.session.abort(reason);
  }

  /** Whether no more news of what the remote has is expected: it answered every Want, or its time ran out. */
  get isSettled(): boolean {
    return this.#hasAnswered && !this.#isRemotePaused;
  }

  get #hasAnswered(): boolean {
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
    return this.#mayAsk && this.#downloader.hasRoom;
  }

  /** @internal Asks for a block. */
  ask(index: number): void {
    this.#downloader.ask(index);
  }

  /** @internal Asks for the block that holds a byte. */
  seek(seek: Seek): void {
    if (this.#mayAsk) this.#downloader.seek(seek);
  }

  get #mayAsk(): boolean {
    return this.#isReady && this.#remoteUploading && !this.#isPaused;
  }

  /** Neither asks the remote for blocks nor offers it any, until {@link resume}. */
  pause(): void {
    this.#setPaused(true);
  }

  /** Asks and offers again. */
  resume(): void {
    this.#setPaused(false);
  }

  #setPaused(isPaused: boolean): void {
    if (this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    // Who is told that we download nothing more, and is not live, leaves: that is for the end.
    this.channel.send({ type: 'info', uploading: !isPaused, downloading: !this.#saidDone });
    if (isPaused) this.#downloader.release();
    this.#uploader.setPaused(isPaused);
    this.#replicator.update();
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
      if (this.#downloader.isBusy || !this.isSettled || !isComplete()) return;
      this.#saidDone = true;
      this.channel.send({ type: 'info', uploading: !this.#isPaused, downloading: false });
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
    try {
      for (const message of batch) this.#onReadable(message);
    } finally {
      this.#downloader.store();
    }
    this.#replicator.update();
    return this.#downloader.room;
  }

  #onReadable(message: ChannelMessage): void {
    try {
      this.#on(message);
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code !== 'bad-message') throw error;
      this.#fault('wrong', error.reason);
    }
  }

  #on(message: ChannelMessage): void {
    switch (message.type) {
      case 'have':
        return this.#onHave(message);
      case 'unhave':
        this.#available.unhave(message);
        return this.#downloader.unhave(message);
      case 'want':
        return this.#uploader.want(message);
      case 'request':
        return this.#uploader.request(message);
      case 'cancel':
        return this.#uploader.cancel(message);
      case 'data':
        return this.#downloader.data(message);
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
    this.#downloader.offered();
    const length = this.remoteLength;
    if (length > before) this.#replicator.emit({ type: 'remote-length', length, peer: this });
  }

  /** It offers nothing for now, and has not finished. */
  get #isRemotePaused(): boolean {
    return !this.#remoteUploading && this.#remoteDownloading;
  }

  #onInfo({ uploading, downloading }: Info): void {
    this.#remoteDownloading = downloading;
    this.#remoteUploading = uploading;
    if (!uploading) this.#downloader.release();
  }

  #timeout(what: string, block?: number): ProtocolError {
    const { idleMs } = this.channel.session.limits;
    return this.#error('timeout', `did not ${what} within ${idleMs / 1000} s`, { block });
  }

  /** Nothing came within the deadline. */
  #onSilent(): void {
    const { session } = this.channel;
    const block = this.#downloader.owed;
    if (block !== undefined)
      return session.abort(this.#timeout(`answer the request for block ${block}`, block));
    if (this.#isReady && !this.#hasAnswered && !session.live) {
      return session.abort(this.#timeout('tell what it has'));
    }
    // It may not have the feed, or not answer Wants, or not answer for the same byte twice. All of that is
    // allowed. What it sends later is still accepted.
    this.#isSilent = true;
    this.#downloader.stopSeeking();
    if (!this.#isReady && !session.live) this.#done.resolve();
    this.#replicator.update();
  }

  #reject(block: number, error: unknown): void {
    if (!(error instanceof ProtocolError)) {
      this.#replicator.fail(error);
      return;
    }
    if (error instanceof ForkError) {
      this.#replicator.emit({ type: 'fork', peer: this, error });
      this.#replicator.fail(error);
      return;
    }
    this.#standing.note('unproven');
    const named = new ProtocolError(error.code, `peer ${this.id.slice(0, 16)}: ${error.reason}`, {
      cause: error,
      block,
      peer: this.id,
    });
    this.#replicator.emit({ type: 'rejected', block, peer: this, error: named });
    this.channel.session.abort(named);
  }

  /** Counts what it did wrong. One may be a mistake, or bad luck, so only too many of them end the session. */
  #fault(fault: PeerFault, reason: string): void {
    this.#standing.note(fault);
    this.#replicator.emit({ type: 'fault', peer: this, fault, reason });
    const { unreadableMessages, refusals } = this.channel.session.limits;
    const { wrong } = this.faults;
    if (wrong > unreadableMessages) {
      this.drop(
        this.#error('bad-message', `sent ${wrong} messages that are wrong, the last because ${reason}`),
      );
    } else if (this.#standing.refusals > refusals) {
      this.drop(
        this.#error(
          'refusal-flood',
          `announced blocks and refused ${this.#standing.refusals} requests for them in a row: ask another peer, or raise limits.refusals`,
        ),
      );
    }
  }

  #error(
    code: ProtocolErrorCode,
    what: string,
    options: { cause?: unknown; block?: number | undefined } = {},
  ): ProtocolError {
    return new ProtocolError(code, `peer ${this.id.slice(0, 16)} ${what}`, { ...options, peer: this.id });
  }
}
