/** Who is in a room, each until its time is over. One timer for all. */
import type { Clock } from '../../stream/clock.ts';
import type { Sender } from '../verified.ts';
import type { WriterProof } from './presence.ts';

export interface Member<State> extends Sender {
  /** What it says of itself. Its type is what honest members send: check it. */
  readonly state: State;
  /** Keys of the feeds that it has proven to write, 32 bytes each. */
  readonly writers: readonly Uint8Array[];
}

/** A member, and what is needed to keep it and to tell others of it. */
export interface Entry<State> {
  readonly member: Member<State>;
  readonly stateBytes: Uint8Array;
  readonly proofs: readonly WriterProof[];
  /** The message as it may be passed on, and its timestamp. */
  readonly packet: Uint8Array | undefined;
  readonly timestamp: number;
  /** By the clock. */
  readonly expiresAt: number;
}

export class Members<State> {
  readonly #clock: Clock;
  readonly #onSilent: (member: Member<State>) => void;
  readonly #entries = new Map<string, Entry<State>>();
  readonly #members = new Map<string, Member<State>>();
  #cancel: (() => void) | undefined;
  #dueAt: number = Number.POSITIVE_INFINITY;

  /** `onSilent` is called for each whose time is over. */
  constructor(clock: Clock, onSilent: (member: Member<State>) => void) {
    this.#clock = clock;
    this.#onSilent = onSilent;
  }

  /** By id. */
  get all(): ReadonlyMap<string, Member<State>> {
    return this.#members;
  }

  get entries(): IterableIterator<Entry<State>> {
    return this.#entries.values();
  }

  get(id: string): Entry<State> | undefined {
    return this.#entries.get(id);
  }

  set(entry: Entry<State>): void {
    this.#entries.set(entry.member.id, entry);
    this.#members.set(entry.member.id, entry.member);
    // Later ones are found when the timer fires.
    if (entry.expiresAt < this.#dueAt) this.#arm(entry.expiresAt);
  }

  /** The member that was there. */
  delete(id: string): Member<State> | undefined {
    const member = this.#members.get(id);
    this.#entries.delete(id);
    this.#members.delete(id);
    if (this.#entries.size === 0) this.stop();
    return member;
  }

  /** Forgets all. No timer is left behind. */
  clear(): void {
    this.#entries.clear();
    this.#members.clear();
    this.stop();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#dueAt = Number.POSITIVE_INFINITY;
  }

  #arm(at: number): void {
    this.#cancel?.();
    this.#dueAt = at;
    this.#cancel = this.#clock.after(Math.max(0, at - this.#clock.now()), () => this.#expire());
  }

  #expire(): void {
    this.stop();
    const now = this.#clock.now();
    const over: Member<State>[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const { member, expiresAt } of this.#entries.values()) {
      if (expiresAt <= now) over.push(member);
      else next = Math.min(next, expiresAt);
    }
    if (next < Number.POSITIVE_INFINITY) this.#arm(next);
    for (const member of over) {
      // Whoever was told of another may have deleted it.
      if (this.delete(member.id) !== undefined) this.#onSilent(member);
    }
  }
}
