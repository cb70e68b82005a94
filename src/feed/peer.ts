/** One remote that replicates one feed with us: what it says on its channel, and what we ask it for. */
import type { Channel, ChannelMessage } from '../channel.ts';
import { toHex } from '../crypto/hex.ts';
import { ProtocolError } from '../errors.ts';
import { type Deferred, deferred } from '../stream/deferred.ts';
import type { Data, Have, Info, Unhave } from '../wire/messages.ts';
import { Availability } from './availability.ts';
import type { BlockStore } from './block-store.ts';
import type { Replicator } from './replicator.ts';
import { Uploader } from './uploader.ts';

/** Requests without an answer. Enough to keep a fast line busy; the reference answers as many as are asked. */
const MAX_IN_FLIGHT = 64;
/** Received bytes that may wait for the disk before this peer is not read any further. */
const MAX_STORING_BYTES = 4_194_304;
/** Milliseconds without an answer after which other peers may be asked for the same blocks. */
const SLOW_MS = 2000;

export class Peer {
  readonly channel: Channel;
  readonly #store: BlockStore;
  readonly #replicator: Replicator;
  readonly #uploader: Uploader;
  readonly #available = new Availability();
  readonly #done: Deferred<void> = deferred();
  /** Blocks asked for, and not answered yet. */
  readonly #asked = new Set<number>();
  /** Bytes of the feed whose block was asked for. */
  readonly #askedBytes = new Set<number>();
  #storing = 0;
  #storingBytes = 0;
  #onStored: (() => void) | undefined;
  #isReady = false;
  #isSlow = false;
  /** We have said that we download nothing more. */
  #saidDone = false;
  #remoteDownloading = true;
  #remoteUploading = true;
  #faults = 0;
  #answeredAt = 0;
  #cancelTimer: (() => void) | undefined;

  /** @internal Use `feed.join`. */
  constructor(channel: Channel, store: BlockStore, replicator: Replicator) {
    this.channel = channel;
    this.#store = store;
    this.#replicator = replicator;
    this.#uploader = new Uploader(channel, store, channel.session.limits.requests, (index, bytes) =>
      replicator.emit({ type: 'upload', index, bytes, peer: this }),
    );
    replicator.add(this);
    channel.receive((batch) => this.#take(batch));
    channel.opened.then(
      () => this.#ready(),
      () => {},
    );
    channel.closed.then(() => this.#leave());
  }

  /** The remote's Handshake id in hex: a name for messages, new with each connection. */
  get id(): string {
    return toHex(this.channel.session.remote.id);
  }

  /** The length, in blocks, of what the remote says that it has. Not verified. */
  get remoteLength(): number {
    return this.#available.blocks.length;
  }

  /** Whether the remote says that it has a block. Not verified. */
  remoteHas(index: number): boolean {
    return this.#available.blocks.has(index);
  }

  /** Resolves when neither side wants anything more of this feed, or the channel has closed. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Whether the remote has told all that it was asked about. */
  get isSettled(): boolean {
    return this.#isReady && (!this.#isDownloader || this.#available.isSettled);
  }

  /** @internal What the remote has. */
  get available(): Availability {
    return this.#available;
  }

  /** @internal Whether another block may be asked for. */
  get hasRoom(): boolean {
    return this.#isReady && !this.#isSlow && this.#remoteUploading && this.#asked.size < MAX_IN_FLIGHT;
  }

  /** @internal Asks for a block. */
  ask(index: number): void {
    this.#asked.add(index);
    this.channel.send({ type: 'request', index, bytes: 0, hash: false, nodes: this.#store.digest(index) });
    this.#watch();
  }

  /** @internal Asks for the block that holds byte `bytes`. */
  askBytes(bytes: number): void {
    if (!this.#isReady || this.#askedBytes.has(bytes)) return;
    this.#askedBytes.add(bytes);
    this.channel.send({ type: 'request', index: 0, bytes, hash: false, nodes: 0 });
    this.#watch();
  }

  /** @internal Asks what the remote has of the blocks from `start` to before `end`. */
  want(start: number, end: number): void {
    if (!this.#isReady || !this.#isDownloader) return;
    for (const want of this.#available.ask(start, end)) this.channel.send({ type: 'want', ...want });
    this.#watch();
  }

  /** @internal */
  announce(start: number, length: number): void {
    this.#uploader.announce(start, length);
  }

  /** @internal */
  retract(start: number, length: number): void {
    this.#uploader.retract(start, length);
  }

  /** @internal Ends what has come to its end, unless the session is live. `isComplete`: the remote has nothing more for us. */
  settle(isComplete: boolean): void {
    const { session } = this.channel;
    if (session.live || !this.#isReady) return;
    if (this.#isDownloader && !this.#saidDone) {
      if (!isComplete || !this.isSettled || this.#asked.size + this.#askedBytes.size + this.#storing > 0)
        return;
      this.#saidDone = true;
      this.channel.send({ type: 'info', uploading: true, downloading: false });
    }
    // A live remote never says that it has finished; whoever is not live need not wait for that.
    const remoteIsDone = !this.#remoteDownloading || (this.#isDownloader && session.remote.live);
    if (!remoteIsDone || !this.#uploader.isIdle) return;
    if (!this.#isDownloader) this.channel.send({ type: 'info', uploading: false, downloading: false });
    this.#done.resolve();
  }

  /** A writer has it all. */
  get #isDownloader(): boolean {
    return !this.#store.writable;
  }

  #ready(): void {
    this.#isReady = true;
    this.#replicator.emit({ type: 'peer', peer: this });
    this.want(0, 1);
    this.#replicator.update();
  }

  #leave(): void {
    this.#cancelTimer?.();
    this.#replicator.remove(this);
    this.#done.resolve();
  }

  #take(batch: readonly ChannelMessage[]): void | Promise<void> {
    for (const message of batch) {
      try {
        this.#on(message);
      } catch (error) {
        if (!(error instanceof ProtocolError) || error.code !== 'bad-message') throw error;
        this.#fault(error);
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
    const length = this.remoteLength;
    if (length > before) this.#replicator.emit({ type: 'remote-length', length, peer: this });
  }

  #onUnhave(unhave: Unhave): void {
    this.#available.unhave(unhave);
    // Also the answer to a Request for a block that the remote has not.
    for (const index of this.#asked) {
      if (index < unhave.start || index >= unhave.start + Math.max(1, unhave.length)) continue;
      this.#asked.delete(index);
      this.#replicator.release(index, this);
    }
  }

  #onInfo({ uploading, downloading }: Info): void {
    this.#remoteDownloading = downloading;
    this.#remoteUploading = uploading;
    if (!uploading) this.#release();
  }

  #onData(data: Data): void {
    const { index, value } = data;
    const wasAsked = this.#asked.delete(index) || this.#clearAskedBytes();
    this.#answeredAt = this.channel.session.clock.now();
    this.#isSlow = false;
    if (!wasAsked || value === undefined) {
      if (value !== undefined && !this.#store.blocks.has(index))
        this.channel.send({ type: 'unhave', start: index });
      this.#fault(new ProtocolError('bad-message', `block ${index} was sent and not asked for`));
      return;
    }
    this.#storing++;
    this.#storingBytes += value.byteLength;
    this.#store.put(data).then(
      ({ isNew }) => {
        this.#stored(value.byteLength);
        if (isNew) this.#replicator.stored(index, value.byteLength, this);
        else this.#replicator.release(index, this);
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
  #clearAskedBytes(): boolean {
    const had = this.#askedBytes.size > 0;
    this.#askedBytes.clear();
    return had;
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
    const reason = error.message.replace(/^\[[^\]]*\] /, '');
    const named = new ProtocolError(error.code, `peer ${this.id.slice(0, 16)}: ${reason}`, {
      cause: error,
      block,
      peer: this.id,
    });
    this.#replicator.emit({ type: 'rejected', block, peer: this, error: named });
    this.channel.session.abort(named);
  }

  /** Something that says nothing true, but may be a mistake; too much of it is none. */
  #fault(error: ProtocolError): void {
    this.#faults++;
    if (this.#faults > this.channel.session.limits.unreadableMessages)
      throw new ProtocolError(
        error.code,
        `${this.#faults} messages that are wrong, the last because ${error.message}`,
      );
  }

  /** Lets other peers be asked for what this one was. What it still answers is taken all the same. */
  #release(): void {
    for (const index of this.#asked) this.#replicator.release(index, this);
  }

  /** Minds the time while something is asked for. */
  #watch(): void {
    if (this.#cancelTimer !== undefined) return;
    const { clock, limits } = this.channel.session;
    if (this.#asked.size + this.#askedBytes.size === 0 && this.isSettled) return;
    this.#answeredAt = clock.now();
    const check = (): void => {
      this.#cancelTimer = undefined;
      const isAsked = this.#asked.size + this.#askedBytes.size > 0;
      if (!isAsked && this.isSettled) return;
      const silent = clock.now() - this.#answeredAt;
      if (this.#storingBytes > MAX_STORING_BYTES) {
        // It is this side that does not read.
        this.#answeredAt = clock.now();
      } else if (silent >= limits.idleMs && !isAsked) {
        this.#available.giveUp();
        this.#replicator.update();
        return;
      } else if (silent >= limits.idleMs) {
        const [block] = this.#asked;
        this.channel.session.abort(
          new ProtocolError(
            'timeout',
            `peer ${this.id.slice(0, 16)} did not answer the request for block ${block} within ${limits.idleMs / 1000} s`,
            { block, peer: this.id },
          ),
        );
        return;
      } else if (silent >= SLOW_MS && !this.#isSlow) {
        this.#isSlow = true;
        this.#release();
        this.#replicator.update();
      }
      this.#cancelTimer = clock.after(SLOW_MS / 4, check);
    };
    this.#cancelTimer = clock.after(SLOW_MS / 4, check);
  }
}
