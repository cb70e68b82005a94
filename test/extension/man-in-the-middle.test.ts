/**
 * Between two peers, and between them and their relay, sits somebody who holds the read key. Whatever he does: no
 * message is delivered that its sender did not send, for this feed and this audience, none twice, none out of order.
 *
 * MITM_ATTEMPTS (100,000 take 12 s on a machine that has nothing else to do) and MITM_SEED are read from the
 * environment.
 */
import { describe, expect, it } from 'vitest';
import { discoveryKey } from '../../src/crypto/discovery-key.ts';
import type { Signer } from '../../src/crypto/signer.ts';
import { type SealedEvent, SealedMessages } from '../../src/extension/sealed/sealed-messages.ts';
import { delegate } from '../../src/extension/signed/identity.ts';
import type { SignedLimits } from '../../src/extension/signed/limits.ts';
import { encodeMessage } from '../../src/extension/signed/signed-message.ts';
import { type SignedEvent, SignedMessages } from '../../src/extension/signed/signed-messages.ts';
import { Feed, memoryStorage } from '../../src/index.ts';
import { connect, type Session } from '../../src/session/session.ts';
import { settle } from '../fake-clock.ts';
import { crypto } from '../session/peers.ts';
import { hex } from '../vectors/index.ts';
import { Dice, ManInTheMiddle } from './man-in-the-middle.ts';
import { author, keysOf, NOW, text, World, words } from './network.ts';

const ATTEMPTS = Number(process.env.MITM_ATTEMPTS ?? 25_000);
const SEED = Number(process.env.MITM_SEED ?? 1);
const names = ['sealed-ephemeral/1', 'signed-ephemeral/1'];
const name = discoveryKey(crypto, author.publicKey);
const mallory = keysOf(66);

/** So high that each attempt is looked at: otherwise most would be refused for their number alone. */
const endless = { perSecond: 1_000_000_000, burst: 1_000_000_000 };
const limits: Partial<SignedLimits> = {
  linkRate: endless,
  unknownRate: endless,
  faultRate: endless,
  senderRate: endless,
};

/** What was truly said, by whom, to whom. */
interface Said {
  readonly sender: string;
  readonly audience: 'everybody' | string;
  readonly text: string;
  readonly at: number;
}

class Victim {
  readonly signed: SignedMessages;
  readonly sealed: SealedMessages;
  readonly id: string;
  readonly falsehoods: string[] = [];
  delivered = { signed: 0, sealed: 0 };
  readonly #last = new Map<string, number>();
  readonly #heard = new Set<string>();

  constructor(signed: SignedMessages, sealed: SealedMessages, record: ReadonlyMap<string, Said>) {
    this.signed = signed;
    this.sealed = sealed;
    this.id = hex(signed.identity.publicKey);
    signed.subscribe((event) => this.#onSigned(event, record));
    sealed.subscribe((event) => this.#onSealed(event, record));
  }

  #onSigned(event: SignedEvent, record: ReadonlyMap<string, Said>): void {
    if (event.type !== 'message') return;
    const { sender, payload, audience } = event.message;
    // What he says under his own name is no falsehood, as long as he is taken for a reader.
    if (sender.id === hex(mallory.publicKey)) {
      if (sender.role !== 'reader') this.falsehoods.push('mallory counts as more than a reader');
      return;
    }
    this.delivered.signed++;
    this.#check('signed', sender.id, words(payload), record, audience === 'me' ? this.id : 'everybody');
  }

  #onSealed(event: SealedEvent, record: ReadonlyMap<string, Said>): void {
    if (event.type === 'peer' && event.peer.sender.id === hex(mallory.publicKey))
      this.falsehoods.push('keys were agreed on with mallory');
    if (event.type !== 'message') return;
    this.delivered.sealed++;
    this.#check('sealed', event.message.sender.id, words(event.message.payload), record, this.id);
  }

  #check(
    kind: string,
    sender: string,
    said: string,
    record: ReadonlyMap<string, Said>,
    audience: string,
  ): void {
    const truth = record.get(`${kind} ${said}`);
    if (truth === undefined) return void this.falsehoods.push(`${kind}: nobody said ${said}`);
    if (truth.sender !== sender)
      this.falsehoods.push(`${kind}: ${said} is of ${truth.sender}, not ${sender}`);
    if (truth.audience !== audience) this.falsehoods.push(`${kind}: ${said} is for another`);
    if (this.#heard.has(`${kind} ${said}`)) this.falsehoods.push(`${kind}: ${said} came twice`);
    this.#heard.add(`${kind} ${said}`);
    const line = `${kind} ${sender}`;
    if ((this.#last.get(line) ?? -1) > truth.at) this.falsehoods.push(`${kind}: ${said} came out of order`);
    this.#last.set(line, truth.at);
  }
}

describe('a man in the middle who holds the read key', () => {
  it(`gets nothing false delivered in ${ATTEMPTS} attempts`, { timeout: 3_600_000 }, async () => {
    const world = new World();
    const dice = new Dice(SEED);
    const record = new Map<string, Said>();
    const identities: [Signer, Signer] = [keysOf(2), keysOf(3)];
    const ids = identities.map(({ publicKey }) => hex(publicKey));
    const delegation = await delegate(author, { to: identities[0].publicKey, expires: NOW + 1e12, crypto });
    const victims: Victim[] = [];
    for (const [i, identity] of identities.entries()) {
      const options = {
        key: author.publicKey,
        identity: i === 0 ? { ...identity, delegation } : identity,
        crypto,
        clock: world.clock,
        now: world.now,
      };
      const pinned = ids[1 - i];
      victims.push(
        new Victim(
          await SignedMessages.open({ ...options, limits }),
          await SealedMessages.open({ ...options, rate: endless, allow: ({ id }) => id === pinned }),
          record,
        ),
      );
    }
    const man = new ManInTheMiddle({
      seed: SEED,
      key: author.publicKey,
      discoveryKey: name,
      mallory,
      victims: [...identities.map(({ publicKey }) => publicKey), author.publicKey],
    });
    // What he has from elsewhere: the same people on another feed, and all that the author signed as a feed.
    const other = discoveryKey(crypto, keysOf(9).publicKey);
    const feed = await Feed.create(memoryStorage(), { crypto });
    await feed.append(text('a block'));
    for (let sequence = 1; sequence <= 50; sequence++) {
      const body = { epoch: (NOW + 1e6) * 1024, sequence, timestamp: NOW, contentType: 'text/plain' };
      const sender = identities[sequence % 2]!;
      const payload = text(`elsewhere ${sequence}`);
      man.show(
        'signed-ephemeral/1',
        encodeMessage(sender, other, 8, { ...body, sender: sender.publicKey, payload }),
      );
    }

    let count = 0;
    let connections = 0;
    const say = (i: number): void => {
      const victim = victims[i]!;
      const said = `message ${++count}`;
      const at = count;
      const payload = text(said);
      const choice = dice.below(4);
      if (choice < 2) {
        const audience = choice === 0 ? undefined : identities[1 - i]!.publicKey;
        record.set(`signed ${said}`, {
          sender: ids[i]!,
          audience: audience === undefined ? 'everybody' : ids[1 - i]!,
          text: said,
          at,
        });
        victim.signed.send({ payload, contentType: 'text/plain', audience });
      } else if (victim.sealed.send({ payload }, victim.sealed.peers) > 0) {
        record.set(`sealed ${said}`, { sender: ids[i]!, audience: ids[1 - i]!, text: said, at });
      }
    };
    while (man.attempts < ATTEMPTS) {
      // Now and then he is quiet while they greet each other, so that there are keys to attack.
      const isTransparent = dice.below(3) > 0;
      man.isQuiet = isTransparent && dice.below(2) > 0;
      const ends = man.between(names, isTransparent);
      const sessions: Session[] = await Promise.all(
        ends.map((transport, i) =>
          connect(transport, {
            key: author.publicKey,
            crypto,
            clock: world.clock,
            extensions: [victims[i]!.signed, victims[i]!.sealed],
          }),
        ),
      );
      await settle();
      man.isQuiet = false;
      connections++;
      for (let round = 0; round < 10 && man.attempts < ATTEMPTS; round++) {
        for (let n = 0; n < 8; n++) say(dice.below(2));
        await settle();
        await world.clock.advance(dice.below(200));
      }
      for (const session of sessions) session.abort();
      await settle();
    }
    expect(victims.flatMap(({ falsehoods }) => falsehoods)).toEqual([]);
    // He did not just break everything: what he let through arrived, of both kinds and on both sides.
    for (const { delivered, signed } of victims) {
      expect(delivered.signed).toBeGreaterThan(ATTEMPTS / 200);
      expect(delivered.sealed).toBeGreaterThan(ATTEMPTS / 1000);
      expect(signed.stats.verifications).toBeGreaterThan(delivered.signed);
    }
    expect(man.byKind.size).toBeGreaterThan(11);
    if (process.env.MITM_ATTEMPTS !== undefined) {
      console.log({
        attempts: man.attempts,
        connections,
        kinds: Object.fromEntries(man.byKind),
        victims: victims.map(({ delivered, signed }) => ({ ...delivered, ...signed.stats })),
      });
    }
  });
});
