/** One program of the simulated world: a feed on a disk, and its connections. It can be killed and started anew. */
import { equals } from 'uint8arrays/equals';
import type { CryptoProvider, KeyPair } from '../../src/crypto/provider.ts';
import {
  Feed,
  type FeedEvent,
  ProtocolError,
  type Replication,
  replicate,
  StorageError,
  type Transport,
} from '../../src/index.ts';
import { Disk } from './disk.ts';
import { ProgramClock, type World } from './world.ts';

/** What the writer has said, and what it may have said when it was killed. */
export interface Truth {
  readonly blocks: Uint8Array[];
  /** Blocks of the last append, which has not come back, or failed: the disk may have them all the same. */
  pending: readonly Uint8Array[];
  /** Those of appends before it in the same place, which failed: the disk may have one of them instead. */
  failed: (readonly Uint8Array[])[];
}

export interface ProgramOptions {
  readonly world: World;
  readonly name: string;
  readonly crypto: CryptoProvider;
  readonly truth: Truth;
  readonly key: Uint8Array;
  /** The writer's. */
  readonly keyPair?: KeyPair;
  readonly sparse: boolean;
}

export class Program {
  readonly name: string;
  readonly sparse: boolean;
  readonly isWriter: boolean;
  readonly disk: Disk;
  readonly #options: ProgramOptions;
  readonly #world: World;
  readonly #truth: Truth;
  /** Blocks that were reported stored, and not cleared since. */
  readonly #stored = new Set<number>();
  /** Ranges that are being cleared: what is stored in them may go again. */
  readonly #clearing = new Set<{ readonly start: number; readonly end: number }>();
  /** What is waited for, by a number, with a word on what it is. */
  readonly #waiting = new Map<number, string>();
  #waits = 0;
  readonly #replications = new Set<Replication>();
  #clock: ProgramClock;
  #life = 0;
  #state: 'off' | 'starting' | 'on' | 'stopping' = 'off';
  #feed: Feed | undefined;
  /** The life in which an append is under way. */
  #appendsIn: number | undefined;
  /** The length that appends reported: not to be less ever again. */
  #appended = 0;

  constructor(options: ProgramOptions) {
    this.#options = options;
    this.#world = options.world;
    this.#truth = options.truth;
    this.name = options.name;
    this.sparse = options.sparse;
    this.isWriter = options.keyPair !== undefined;
    this.disk = new Disk(options.world, options.name);
    this.#clock = new ProgramClock(options.world);
  }

  /** The feed, while the program runs and has it open. */
  get feed(): Feed | undefined {
    return this.#feed;
  }

  get clock(): ProgramClock {
    return this.#clock;
  }

  /** What it still waits for. */
  get waiting(): readonly string[] {
    return [...this.#waiting.values()];
  }

  /** Whether all is here that the writer has said. */
  get isComplete(): boolean {
    const { length } = this.#truth.blocks;
    return this.#feed !== undefined && this.#feed.length === length && this.#feed.has(0, length);
  }

  /** Opens what the disk holds. False where that failed. */
  async start(): Promise<boolean> {
    const { crypto, key, keyPair, sparse } = this.#options;
    const life = this.#life;
    if (this.#state !== 'off') return false;
    this.#state = 'starting';
    try {
      const isNew = this.isWriter && this.#appended === 0 && !(await this.#holdsFeed());
      if (life !== this.#life) return false;
      const storage = this.disk.storage();
      const feed = isNew
        ? await Feed.create(storage, { crypto, keyPair })
        : await Feed.open(storage, { key, sparse, crypto });
      if (life !== this.#life) return false;
      // Before anything else can be said.
      await this.#checkLength(feed, life);
      if (life !== this.#life) return false;
      this.#state = 'on';
      this.#feed = feed;
      feed.subscribe((event) => life === this.#life && this.#on(event));
      this.#log(`opens with ${feed.length} blocks, ${feed.count()} here`);
      await this.check();
      return true;
    } catch (error) {
      if (life !== this.#life) return false;
      this.#state = 'off';
      if (!(error instanceof StorageError)) this.#world.violate(`${this.name} cannot open: ${error}`);
      if (error instanceof StorageError && error.code !== 'platform')
        this.#world.violate(`${this.name} finds its disk ${error.message}`);
      this.#log(`cannot open: ${(error as Error).message}`);
      return false;
    }
  }

  async #holdsFeed(): Promise<boolean> {
    return (
      (await this.disk.storage().file('key').size()) === 32 &&
      (await this.disk.storage().file('secret_key').size()) === 64
    );
  }

  /** Dies, with all that it had under way. */
  kill(): void {
    this.#log('is killed');
    this.#life++;
    this.#state = 'off';
    this.#feed = undefined;
    this.#waiting.clear();
    this.#clock.kill();
    this.#clock = new ProgramClock(this.#world);
    this.#replications.clear();
    this.disk.crash();
  }

  /** Ends as a program should. */
  async stop(): Promise<void> {
    const feed = this.#feed;
    const life = this.#life;
    if (feed === undefined) return;
    this.#state = 'stopping';
    this.#feed = undefined;
    this.#log('stops');
    for (const replication of this.#replications) replication.abort(new Error('the program stops'));
    await this.#track('close', feed.close());
    if (life === this.#life && feed.peers.length > 0)
      this.#world.violate(`${this.name} keeps ${feed.peers.length} peers of a feed that is closed`);
    if (life === this.#life) this.#state = 'off';
  }

  /** Connects over a transport. */
  connect(transport: Transport, live: boolean, waits: boolean): void {
    const feed = this.#feed;
    if (feed === undefined) return transport.abort();
    const life = this.#life;
    const { crypto } = this.#options;
    const options = { live, crypto, clock: this.#clock };
    const feeds = waits ? () => feed : feed;
    const connecting = replicate(transport, { feeds, ...options });
    this.#track('connect', connecting).catch(() => {});
    connecting.then(
      async (replication) => {
        if (life !== this.#life) return;
        this.#replications.add(replication);
        const reason = await this.#track('closed', replication.closed);
        if (life !== this.#life) return;
        this.#replications.delete(replication);
        this.#ended(reason.code, 'error' in reason ? reason.error : undefined);
      },
      (error) => life === this.#life && this.#ended('failed', error),
    );
  }

  #ended(code: string, error: unknown): void {
    const isPeers = error instanceof ProtocolError;
    this.#log(`link ends: ${isPeers ? error.code : code}`);
    if (isPeers && error.code === 'fork') this.#world.violate(`${this.name} sees a fork: ${error.message}`);
  }

  /** The writer says something new. */
  async append(blocks: readonly Uint8Array[]): Promise<void> {
    const feed = this.#feed;
    if (feed === undefined || this.#appendsIn === this.#life) return;
    const life = this.#life;
    const start = this.#truth.blocks.length;
    this.#truth.failed.push(this.#truth.pending);
    this.#truth.pending = blocks;
    this.#appendsIn = life;
    try {
      const first = await this.#track('append', feed.append(blocks));
      if (life !== this.#life) return;
      if (first !== start) this.#world.violate(`an append went to ${first}, not ${start}`);
      this.#settle();
      this.#appended = this.#truth.blocks.length;
      for (let i = start; i < this.#appended; i++) this.#stored.add(i);
      this.#log(`appended ${blocks.length} from ${start}`);
    } catch (error) {
      if (life !== this.#life) return;
      this.#log(`append fails: ${(error as Error).message}`);
      if (feed.length !== start)
        this.#world.violate(`an append failed and the feed has ${feed.length} blocks`);
    } finally {
      if (life === this.#life) this.#appendsIn = undefined;
    }
  }

  /** The pending append is part of what was said. */
  #settle(): void {
    this.#truth.blocks.push(...this.#truth.pending);
    this.#truth.pending = [];
    this.#truth.failed = [];
  }

  /** Waits for a block, and looks at what comes. */
  async get(index: number, signal?: AbortSignal): Promise<void> {
    const feed = this.#feed;
    if (feed === undefined) return;
    const life = this.#life;
    try {
      const bytes = await this.#track(`get ${index}`, feed.get(index, { signal }));
      if (life === this.#life) this.#same(index, bytes, 'get');
    } catch (error) {
      if (life === this.#life) this.#log(`get ${index}: ${(error as Error).message}`);
    }
  }

  async seek(byte: number, signal: AbortSignal): Promise<void> {
    const feed = this.#feed;
    if (feed === undefined) return;
    const life = this.#life;
    try {
      const { index, offset } = await this.#track(`seek ${byte}`, feed.seek(byte, { signal }));
      if (life !== this.#life) return;
      let at = byte - offset;
      for (let i = 0; i < index; i++) at -= this.#said(i)?.byteLength ?? Number.NaN;
      if (at !== 0) this.#world.violate(`${this.name} finds byte ${byte} at ${index}+${offset}`);
      this.#log(`byte ${byte} is at ${index}+${offset}`);
    } catch (error) {
      if (life === this.#life) this.#log(`seek ${byte}: ${(error as Error).message}`);
    }
  }

  async read(start: number, end: number, signal: AbortSignal): Promise<void> {
    const feed = this.#feed;
    if (feed === undefined) return;
    const life = this.#life;
    const reading = (async () => {
      let index = start;
      for await (const bytes of feed.read({ start, end, signal })) this.#same(index++, bytes, 'read');
      return index;
    })();
    try {
      this.#log(`read ${start} to ${await this.#track('read', reading)}`);
    } catch (error) {
      if (life === this.#life) this.#log(`read: ${(error as Error).message}`);
    }
  }

  /** Asks for a range and may change its mind. */
  download(start: number, end: number, cancelMs: number): void {
    const feed = this.#feed;
    if (feed === undefined) return;
    const life = this.#life;
    const { done, cancel } = feed.download({ start, end });
    this.#track('download', done).then(
      () => {
        if (life !== this.#life) return;
        this.#log(`downloaded ${start} to ${end}`);
      },
      () => {},
    );
    this.#world.after(cancelMs, cancel);
  }

  async clear(start: number, end: number): Promise<void> {
    const feed = this.#feed;
    if (feed === undefined) return;
    this.#log(`clears ${start} to ${end}`);
    const range = { start, end };
    for (let i = start; i < end; i++) this.#stored.delete(i);
    this.#clearing.add(range);
    await this.#track('clear', feed.clear(start, end)).catch(() => {});
    this.#clearing.delete(range);
  }

  /** Everything that was reported stored is there, and everything that is there is true. */
  async check(): Promise<void> {
    const feed = this.#feed;
    if (feed === undefined) return;
    const life = this.#life;
    if (feed.length > this.#truth.blocks.length + this.#truth.pending.length)
      this.#world.violate(
        `${this.name} has ${feed.length} blocks, and ${this.#truth.blocks.length} were said`,
      );
    for (let index = 0; index < feed.length; index++) {
      const isHere = feed.has(index);
      if (!isHere && this.#stored.has(index)) this.#world.violate(`${this.name} has lost block ${index}`);
      if (!isHere) continue;
      let bytes: Uint8Array | undefined;
      try {
        bytes = await this.#track('check', feed.get(index, { wait: false }));
      } catch (error) {
        if (life !== this.#life || feed !== this.#feed) return;
        // Cleared meanwhile, or the disk cannot read just now.
        const isDisk = error instanceof StorageError && error.code === 'platform';
        if (!isDisk && feed.has(index))
          this.#world.violate(`${this.name} cannot read block ${index}: ${error}`);
        continue;
      }
      if (life !== this.#life) return;
      this.#same(index, bytes, 'check');
    }
  }

  #on(event: FeedEvent): void {
    switch (event.type) {
      case 'download': {
        this.#log(`stored ${event.index}`);
        const isCleared = [...this.#clearing].some(
          ({ start, end }) => event.index >= start && event.index < end,
        );
        if (!isCleared) this.#stored.add(event.index);
        return;
      }
      case 'rejected':
        return this.#log(`rejects ${event.block}: ${event.error.code}`);
      default:
        return this.#log(event.type);
    }
  }

  /** Of the appends that did not come back, the disk has one as a whole, or none. */
  async #checkLength(feed: Feed, life: number): Promise<void> {
    if (!this.isWriter) return;
    const { blocks, pending, failed } = this.#truth;
    const isThere = async (append: readonly Uint8Array[]): Promise<boolean> => {
      if (feed.length !== blocks.length + append.length) return false;
      for (const [i, bytes] of append.entries()) {
        const block = blocks.length + i;
        let stored: Uint8Array | undefined;
        while (stored === undefined && life === this.#life) {
          stored = await feed.get(block, { wait: false }).catch((error) => {
            // The disk refuses now and then.
            if (!(error instanceof StorageError) || error.code !== 'platform') throw error;
            return undefined;
          });
        }
        if (stored === undefined || !equals(stored, bytes)) return false;
      }
      return true;
    };
    for (const append of [pending, ...failed, []]) {
      if (!(await isThere(append))) continue;
      this.#truth.pending = append;
      this.#settle();
      break;
    }
    if (life !== this.#life) return;
    if (feed.length !== blocks.length)
      this.#world.violate(
        `the writer comes back with ${feed.length} blocks, and said ${blocks.length}, and ${[pending, ...failed].map((append) => append.length)} in appends that did not come back`,
      );
    if (feed.length < this.#appended) this.#world.violate(`the writer has lost blocks past ${feed.length}`);
  }

  #said(index: number): Uint8Array | undefined {
    const { blocks, pending } = this.#truth;
    return blocks[index] ?? pending[index - blocks.length];
  }

  #same(index: number, bytes: Uint8Array, how: string): void {
    const said = this.#said(index);
    if (said === undefined || !equals(said, bytes))
      this.#world.violate(`${this.name} reads a false block ${index} by ${how}`);
  }

  async #track<T>(what: string, promise: Promise<T>): Promise<T> {
    const number = this.#waits++;
    const life = this.#life;
    this.#waiting.set(number, what);
    try {
      return await promise;
    } finally {
      if (life === this.#life) this.#waiting.delete(number);
    }
  }

  #log(what: string): void {
    this.#world.log(`${this.name} ${what}`);
  }
}
