/** Rooms and signed channels joined over memory, with one clock for all. */

import { signer } from '../../src/crypto/signer.ts';
import {
  type SignedEvent,
  SignedMessages,
  type SignedMessagesOptions,
} from '../../src/extension/signed/signed-messages.ts';
import type { ExtensionLike } from '../../src/session/options.ts';
import { connect, type Session } from '../../src/session/session.ts';
import { memoryPair } from '../../src/transport/memory.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import { crypto } from '../session/peers.ts';

export const NOW = 1_790_000_000_000;
export const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
export const keysOf = (byte: number) => signer(crypto, crypto.keyPair(seed(byte)));
export const author = keysOf(1);
export const text = (words: string): Uint8Array => new Uint8Array(Buffer.from(words));
export const words = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** A signed channel, and what it was told. */
export interface Node {
  readonly signed: SignedMessages;
  readonly events: SignedEvent[];
  /** The texts that were delivered. */
  readonly heard: () => string[];
  /** The reasons of what was refused. */
  readonly dropped: () => string[];
}

export class World {
  readonly clock: FakeClock = new FakeClock();
  /** How far the wall clocks are ahead. */
  skewMs = 0;
  readonly now = (): number => NOW + this.clock.now() + this.skewMs;

  async node(options: Partial<SignedMessagesOptions> = {}): Promise<Node> {
    const signed = await SignedMessages.open({
      key: author.publicKey,
      crypto,
      clock: this.clock,
      now: this.now,
      ...options,
    });
    const events: SignedEvent[] = [];
    signed.subscribe((event) => void (event.type.startsWith('peer') || events.push(event)));
    return {
      signed,
      events,
      heard: () =>
        events.flatMap((event) => (event.type === 'message' ? [words(event.message.payload)] : [])),
      dropped: () => events.flatMap((event) => (event.type === 'dropped' ? [event.reason] : [])),
    };
  }

  /** Connects two, on the feed of `key`. */
  async join(
    a: ExtensionLike,
    b: ExtensionLike,
    key: Uint8Array = author.publicKey,
  ): Promise<[Session, Session]> {
    const [left, right] = memoryPair();
    const sessions = await Promise.all([
      connect(left, { key, crypto, clock: this.clock, extensions: [a], live: true }),
      connect(right, { key, crypto, clock: this.clock, extensions: [b], live: true }),
    ]);
    await settle();
    return sessions;
  }

  /**
   * A node that is connected to somebody who can say anything: returns what makes a raw payload arrive, on the
   * same connection each time.
   */
  async script(node: Node): Promise<{ say(...packets: Uint8Array[]): Promise<void>; session: Session }> {
    const other: ExtensionLike = { names: ['signed-ephemeral/1'], attach: () => {} };
    const [session] = await this.join(other, node.signed);
    const channel = session.open(author.publicKey);
    channel.receive(() => {});
    return {
      session,
      async say(...packets) {
        for (const payload of packets)
          channel.send({ type: 'extension', name: 'signed-ephemeral/1', payload });
        await settle();
      },
    };
  }
}
