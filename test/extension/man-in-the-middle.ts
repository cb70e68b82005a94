/**
 * Somebody between two peers who holds the feed's read key: deciphers what passes, drops, changes, repeats, reorders
 * and makes up extension messages, and enciphers it again. Everything that he ever saw he keeps.
 */
import { cipher } from '../../src/crypto/cipher.ts';
import { type Signer, statement } from '../../src/crypto/signer.ts';
import { encodeMessage, messageStatement, wrap } from '../../src/extension/signed/signed-message.ts';
import { defaultLimits } from '../../src/limits.ts';
import { type FirstFrame, Opening } from '../../src/session/handshake.ts';
import { pipe, type Stage } from '../../src/stream/stage.ts';
import type { Transport } from '../../src/stream/transport.ts';
import { memoryPair } from '../../src/transport/memory.ts';
import { deframe } from '../../src/wire/frame.ts';
import type { Message, Packet, Sendable } from '../../src/wire/messages.ts';
import { decode, encode, frame } from '../../src/wire/packet.ts';
import { read, write } from '../../src/wire/protobuf.ts';
import { readHello, readSealed, writeHello, writeSealed } from '../../src/wire/sealed-ephemeral.ts';
import { readSigned, readSignedBody, writeSignedBody } from '../../src/wire/signed-ephemeral.ts';
import * as twin from './sealed-twin.ts';

/** His X25519 key. */
const SECRET = new Uint8Array(32).fill(77);

/** Numbers of a seed: mulberry32. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to before `n`. */
  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

/** What he makes of a payload that goes in one direction of a connection. */
type Attack = (payload: Uint8Array, direction: Direction) => readonly Uint8Array[];

/** One direction, and what he knows of it. */
interface Direction {
  /** What the receiver sees: with a name and nonce of his own, where he does not pass on the sender's. */
  readonly nonce: Uint8Array | undefined;
  readonly id: Uint8Array | undefined;
  /** The ends, as this direction's receiver takes them for the sender's, and as its sender has its own. */
  shownEnd?: Uint8Array;
  trueEnd?: Uint8Array;
  realNonce?: Uint8Array;
  /** The sender's own hello. */
  hello?: Uint8Array;
  /** One in the sender's name, over a key of his. */
  usurped?: Uint8Array;
  opposite?: Direction;
}

export class ManInTheMiddle {
  readonly #dice: Dice;
  readonly #key: Uint8Array;
  readonly #mallory: Signer;
  readonly #discoveryKey: Uint8Array;
  readonly #victims: readonly Uint8Array[];
  /** By extension name, the last few thousand. */
  readonly #seen = new Map<string, Uint8Array[]>();
  #held: Uint8Array[] = [];
  /** Where nothing is changed, so that what is genuine has a chance. */
  isQuiet = false;
  attempts = 0;
  readonly byKind = new Map<string, number>();

  constructor(options: {
    seed: number;
    key: Uint8Array;
    discoveryKey: Uint8Array;
    mallory: Signer;
    victims: readonly Uint8Array[];
  }) {
    this.#dice = new Dice(options.seed);
    this.#key = options.key;
    this.#mallory = options.mallory;
    this.#discoveryKey = options.discoveryKey;
    this.#victims = options.victims;
  }

  /** Lets him see messages that he may use later. */
  show(name: string, ...payloads: Uint8Array[]): void {
    const seen = this.#seen.get(name) ?? [];
    this.#seen.set(name, seen);
    for (const payload of payloads) {
      if (seen.length < 4000) seen.push(payload.slice());
      else seen[this.#dice.below(seen.length)] = payload.slice();
    }
  }

  /** A connection through him: the two ends that the victims get. `names`: of their extensions, sorted. */
  between(names: readonly string[], isTransparent: boolean): [Transport, Transport] {
    const [a, left] = memoryPair();
    const [right, b] = memoryPair();
    const ids = isTransparent ? undefined : [this.#bytes(32), this.#bytes(32)];
    const nonces = isTransparent ? undefined : [this.#bytes(24), this.#bytes(24)];
    const [there, back] = [0, 1].map((i): Direction => ({ nonce: nonces?.[i], id: ids?.[i] })) as [
      Direction,
      Direction,
    ];
    there.opposite = back;
    back.opposite = there;
    right.sink(this.#tamper(left.source, names, there)).catch(() => {});
    left.sink(this.#tamper(right.source, names, back)).catch(() => {});
    return [a, b];
  }

  #bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#dice.below(256));
  }

  async *#tamper(
    source: AsyncIterable<Uint8Array>,
    names: readonly string[],
    direction: Direction,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const chunks = source[Symbol.asyncIterator]();
    const opening = new Opening(defaultLimits);
    let first: FirstFrame | undefined;
    while (first === undefined) {
      const { value, done } = await chunks.next();
      if (done) return;
      first = opening.push(value);
    }
    const { rest } = first;
    const following = async function* (): AsyncGenerator<readonly Uint8Array[], void, undefined> {
      yield [rest];
      for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield [next.value];
    };
    const nonce = direction.nonce ?? first.feed.nonce!;
    direction.realNonce = first.feed.nonce!.slice();
    yield frame(first.channel, { ...first.feed, nonce });
    const change = (batch: readonly Packet[]): Packet<Sendable>[] =>
      batch.flatMap(({ channel, message }) =>
        this.#change(message, names, direction).map((changed) => ({ channel, message: changed })),
      );
    const changing: Stage<Packet, Packet<Sendable>> = async function* (batches) {
      for await (const batch of batches) yield change(batch);
    };
    const clear = pipe(
      following(),
      cipher(this.#key, first.feed.nonce!),
      deframe(defaultLimits),
      decode(defaultLimits),
    );
    for await (const chunks of pipe(clear, changing, encode(), cipher(this.#key, nonce))) yield* chunks;
  }

  #change(message: Message, names: readonly string[], direction: Direction): readonly Sendable[] {
    if (message.type === 'handshake') {
      const { realNonce, nonce = realNonce!, id = message.id! } = direction;
      direction.trueEnd = twin.end(realNonce!, message.id!);
      direction.shownEnd = twin.end(nonce, id);
      return [{ ...message, id }];
    }
    if (message.type !== 'extension') return [message as Sendable];
    const name = names[message.id]!;
    const payload = message.payload.slice();
    if (name.startsWith('sealed')) direction.hello ??= read(readSealed, payload).hello!;
    const payloads = this.isQuiet ? [payload] : this.#attack(name, payload, direction);
    this.show(name, payload);
    return payloads.map((one) => ({ type: 'extension', id: message.id, payload: one }));
  }

  #attack(name: string, payload: Uint8Array, direction: Direction): readonly Uint8Array[] {
    const isSealed = name.startsWith('sealed');
    const kinds = isSealed ? this.#sealed : this.#signed;
    const out: Uint8Array[] = [];
    // Each that passes is an occasion for several.
    for (let i = 0; i < 4; i++) {
      const [kind, make] = this.#dice.of(Object.entries(kinds));
      this.attempts++;
      this.byKind.set(kind, (this.byKind.get(kind) ?? 0) + 1);
      try {
        out.push(...make(payload, direction));
      } catch {
        out.push(this.#bytes(payload.byteLength));
      }
    }
    // What is genuine goes first, last, or never.
    const place = this.#dice.below(3);
    if (place === 0) return [payload, ...out];
    return place === 1 ? [...out, payload] : out;
  }

  #past(name: string): Uint8Array {
    return this.#dice.of(this.#seen.get(name) ?? [new Uint8Array(0)]);
  }

  readonly #anything: Readonly<Record<string, Attack>> = {
    flip: (payload) => {
      const changed = payload.slice();
      for (let n = 1 + this.#dice.below(3); n > 0; n--)
        changed[this.#dice.below(changed.byteLength)]! ^= 1 << this.#dice.below(8);
      return [changed];
    },
    cut: (payload) => [payload.subarray(0, this.#dice.below(payload.byteLength))],
    grow: (payload) => [new Uint8Array([...payload, ...this.#bytes(1 + this.#dice.below(20))])],
    noise: () => [this.#bytes(this.#dice.below(300))],
    repeat: (payload) => [payload, payload],
    hold: (payload) => {
      this.#held.push(payload);
      if (this.#held.length < 4) return [];
      const held = this.#held.reverse();
      this.#held = [];
      return held;
    },
  };

  readonly #signed: Readonly<Record<string, Attack>> = {
    ...this.#anything,
    replay: () => [this.#past('signed-ephemeral/1')],
    splice: (payload) => {
      const [one, other] = [read(readSigned, payload), read(readSigned, this.#past('signed-ephemeral/1'))];
      return [wrap(one.body!, other.signature!, 8), wrap(other.body!, one.signature!, 8)];
    },
    edit: (payload) => {
      const signed = read(readSigned, payload);
      const body = read(readSignedBody, signed.body!);
      const edits = [
        { payload: this.#bytes(this.#dice.below(60)) },
        { sequence: body.sequence! + 1 + this.#dice.below(5) },
        { epoch: body.epoch! + 1 },
        { timestamp: body.timestamp! + 1 },
        { sender: this.#dice.of(this.#victims) },
        { audience: this.#dice.of(this.#victims) },
        { contentType: 'hypercore/presence' },
        { delegation: { expires: body.timestamp! + 1e6, signature: this.#bytes(64) } },
      ];
      return [wrap(write(writeSignedBody, { ...body, ...this.#dice.of(edits) }), signed.signature!, 8)];
    },
    forge: (payload) => {
      const { body } = read(readSigned, payload);
      const changed = write(writeSignedBody, { ...read(readSignedBody, body!), payload: this.#bytes(20) });
      return [wrap(changed, this.#mallory.sign(messageStatement(this.#discoveryKey, changed)), 8)];
    },
    // A name of his own, with the delegation of somebody else or none: at best a reader says something.
    impersonate: (payload) => {
      const body = read(readSignedBody, read(readSigned, payload).body!);
      const past = read(readSignedBody, read(readSigned, this.#past('signed-ephemeral/1')).body!);
      return [
        encodeMessage(this.#mallory, this.#discoveryKey, 8, {
          sender: this.#mallory.publicKey,
          epoch: body.epoch!,
          sequence: body.sequence!,
          timestamp: body.timestamp!,
          contentType: 'text/plain',
          payload: body.payload!,
          delegation: (body.delegation ?? past.delegation) as never,
        }),
      ];
    },
    crossed: () => [this.#past('sealed-ephemeral/1')],
  };

  readonly #sealed: Readonly<Record<string, Attack>> = {
    ...this.#anything,
    replay: () => [this.#past('sealed-ephemeral/1')],
    edit: (payload) => {
      const { counter, box, hello, signature } = read(readSealed, payload);
      if (box !== undefined) return [write(writeSealed, { counter: counter! + this.#dice.below(9), box })];
      const fields = read(readHello, hello!);
      const edits = [
        { key: this.#bytes(32) },
        { key: new Uint8Array(32) },
        { sender: this.#dice.of(this.#victims) },
        { delegationExpires: 1e15, delegationSignature: this.#bytes(64) },
      ];
      const changed = write(writeHello, { ...fields, ...this.#dice.of(edits) });
      return [write(writeSealed, { hello: changed, signature: signature! })];
    },
    splice: (payload) => {
      const [one, other] = [read(readSealed, payload), read(readSealed, this.#past('sealed-ephemeral/1'))];
      return [
        write(writeSealed, { ...one, box: other.box! }),
        write(writeSealed, { ...other, counter: (one.counter ?? 0) + 1 }),
        write(writeSealed, { hello: one.hello!, signature: other.signature! }),
      ];
    },
    forge: (payload) => {
      const { hello = this.#bytes(68) } = read(readSealed, payload);
      const stated = statement('hypercore sealed-ephemeral/1 hello', this.#bytes(32), this.#bytes(56), hello);
      return [write(writeSealed, { hello, signature: this.#mallory.sign(stated) })];
    },
    crossed: () => [this.#past('signed-ephemeral/1')],
    // Keys of his own in the place of the sender's, and then boxes of his own.
    usurp: (payload, direction) => {
      const { hello, signature } = read(readSealed, payload);
      if (hello !== undefined) {
        direction.usurped = write(writeHello, { ...read(readHello, hello), key: twin.agreementKey(SECRET) });
        return [write(writeSealed, { hello: direction.usurped, signature: signature! })];
      }
      const { usurped, shownEnd, opposite } = direction;
      const theirs = opposite!.hello!;
      const ends = [
        { end: shownEnd!, hello: usurped! },
        { end: opposite!.trueEnd!, hello: theirs },
      ] as const;
      const bound = twin.binding(this.#discoveryKey, ends[0].end, ends[1].end);
      const key = twin.directionKey(SECRET, read(readHello, theirs).key!, bound, ...ends, shownEnd!);
      const content = Uint8Array.of(0x12, 7, ...Buffer.from('usurped'));
      return [twin.box(key, 1 + this.#dice.below(100), content)];
    },
  };
}
