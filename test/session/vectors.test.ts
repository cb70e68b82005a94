import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { libsodium } from '../../src/crypto/libsodium.ts';
import type { Channel, ChannelMessage, ChannelSendable } from '../../src/session/channel.ts';
import { ExtensionNames } from '../../src/session/extension-names.ts';
import type { ConnectOptions } from '../../src/session/options.ts';
import { connect } from '../../src/session/session.ts';
import * as proto from '../../src/wire/hypercore.ts';
import { Reader } from '../../src/wire/reader.ts';
import { FakeClock, settle } from '../fake-clock.ts';
import { hex, unhex, v6 } from '../vectors/index.ts';
import { fromKnown, type KnownFields } from '../wire/known.ts';
import { ScriptedTransport, withNonces } from './scripted.ts';

interface KnownEvent {
  readonly event: string;
  readonly feed?: number;
  readonly name?: string;
  readonly discoveryKey?: string;
  readonly message?: KnownFields | string;
}

interface Direction {
  readonly nonce: string;
  readonly wire: string;
  readonly writes: readonly number[];
  readonly frames: readonly { typeName: string; channel: number; message: KnownFields; frame: string }[];
}

const crypto = await libsodium();
const known = v6.session;
const keys: readonly string[] = [known.key1, known.key2, known.key3];
const sides = [
  { name: 'A', us: known.a, ours: known.a.aToB as Direction, theirs: known.b.bToA as Direction },
  { name: 'B', us: known.b, ours: known.b.bToA as Direction, theirs: known.a.aToB as Direction },
];

function splitBy(wire: string, writes: readonly number[]): Uint8Array[] {
  const bytes = unhex(wire);
  let at = 0;
  return writes.map((length) => bytes.slice(at, (at += length)));
}

function splitAt(wire: string, cuts: readonly number[]): Uint8Array[] {
  const bytes = unhex(wire);
  const places = cuts.map((cut) => cut % (bytes.byteLength + 1)).sort((a, b) => a - b);
  return [0, ...places].map((start, i) => bytes.slice(start, places[i] ?? bytes.byteLength));
}

function optionsOf(side: (typeof sides)[number], clock: FakeClock): ConnectOptions {
  const { id, userData, live, ack, extensions } = side.us.options;
  return {
    key: keys[0],
    id: unhex(id),
    ...(userData === undefined ? {} : { userData: unhex(userData) }),
    live,
    ack,
    extensions,
    clock,
    crypto: withNonces(crypto, unhex(side.ours.nonce)),
  };
}

const readers: Record<string, (reader: Reader, length: number) => object> = {
  Have: proto.readHave,
  Unhave: proto.readUnhave,
  Want: proto.readWant,
  Unwant: proto.readUnwant,
  Request: proto.readRequest,
  Cancel: proto.readCancel,
  Data: proto.readData,
  Info: proto.readInfo,
};

/** The message of a frame with those fields that are on the wire. */
function given(typeName: string, frame: string): ChannelSendable {
  const bytes = unhex(frame);
  // A length of one or two bytes, a header of one.
  const payload = bytes.subarray(bytes.length > 128 ? 3 : 2);
  const fields: Record<string, unknown> = {
    ...readers[typeName]!(new Reader(payload), payload.byteLength),
  };
  if (Array.isArray(fields.nodes) && fields.nodes.length === 0) delete fields.nodes;
  return { type: typeName.toLowerCase(), ...fields } as ChannelSendable;
}

describe.each(sides)('the recorded session, as side $name', (side) => {
  it('writes the same bytes', async () => {
    const clock = new FakeClock();
    const transport = new ScriptedTransport();
    const connecting = connect(transport, optionsOf(side, clock));
    transport.arrive(...splitBy(side.theirs.wire, side.theirs.writes).slice(0, 2));
    const session = await connecting;
    const channels: Channel[] = [session.open(keys[0]!)];
    for (const { typeName, channel, message, frame } of side.ours.frames.slice(2)) {
      if (typeName === 'Feed') {
        channels.push(session.open(keys[channels.length]!));
      } else if (typeName === 'Keepalive') {
        await clock.advance(3750);
      } else if (typeName === 'Extension') {
        const payload = unhex(String(message.payload));
        const name = side.us.options.extensions[payload[0]!];
        channels[channel]!.send({ type: 'extension', name, payload: payload.slice(1) });
      } else {
        channels[channel]!.send(given(typeName, frame));
      }
      await settle();
    }
    expect(hex(transport.bytes)).toBe(side.ours.wire);
    expect(transport.written.map(({ byteLength }) => byteLength)).toEqual(side.ours.writes);
    session.abort();
  });

  /** Lets the other side's bytes arrive, then its end, with all three feeds open here; tells what came of it. */
  async function receive(chunks: readonly Uint8Array[]) {
    const transport = new ScriptedTransport();
    const connecting = connect(transport, optionsOf(side, new FakeClock()));
    transport.arrive(...chunks);
    transport.end();
    const session = await connecting;
    const channels = keys.map((key) => session.open(key));
    const received = channels.map(() => [] as ChannelMessage[]);
    channels.forEach((channel, i) => {
      channel.receive((batch) => void received[i]!.push(...batch));
    });
    const arrived: string[] = [];
    for await (const channel of session.incoming) arrived.push(hex(channel.discoveryKey));
    expect(await session.closed).toEqual({ code: 'remote-closed' });
    return { session, received, arrived };
  }

  function check({ session, received, arrived }: Awaited<ReturnType<typeof receive>>): void {
    const events: readonly KnownEvent[] = side.us.events;
    expect(arrived).toEqual(
      events.filter(({ event }) => event === 'feed').map((event) => event.discoveryKey),
    );
    const handshake = side.us.events.find(({ event }: KnownEvent) => event === 'handshake');
    const { remote } = session;
    expect(hex(remote.id)).toBe(handshake.remoteId);
    expect(remote.live).toBe(handshake.remoteLive);
    expect(remote.ack).toBe(handshake.remoteAck);
    expect(remote.userData && hex(remote.userData)).toBe(handshake.remoteUserData ?? undefined);
    const { extensions } = side.us.options;
    expect(extensions.map((name: string) => session.remoteSupports(name))).toEqual(
      extensions.map((_: string, i: number) => handshake.remoteExtensions.includes(i)),
    );
    keys.forEach((_, i) => {
      const expected = events
        .filter(({ feed, event }) => feed === i + 1 && event !== 'close')
        .map(({ event, name, message }) =>
          event === 'extension'
            ? { type: 'extension', name, payload: unhex(String(message)) }
            : fromKnown(event, message as KnownFields),
        );
      expect(received[i], `feed ${i + 1}`).toEqual(expected);
    });
  }

  it('reads the other side as it was written', async () => {
    check(await receive(splitBy(side.theirs.wire, side.theirs.writes)));
  });

  it('reads it whole', async () => {
    check(await receive([unhex(side.theirs.wire)]));
  });

  it('reads it byte by byte', async () => {
    check(await receive(Array.from(unhex(side.theirs.wire), (byte) => Uint8Array.of(byte))));
  });

  it('reads it at any split', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 30 }), async (cuts) => {
        check(await receive(splitAt(side.theirs.wire, cuts)));
      }),
      { numRuns: 40 },
    );
  });
});

describe('the recorded replication of hypercore 7', () => {
  const recorded = v6.hypercoreSession;
  it.each([
    ['A', recorded.aToB as Direction],
    ['B', recorded.bToA as Direction],
  ])('reads what %s wrote', async (from, theirs) => {
    const expected = recorded.order
      .filter((entry: { from: string }) => entry.from === from)
      .map(({ typeName, message }: { typeName: string; message: KnownFields }) =>
        fromKnown(typeName, message),
      );
    for (const chunks of [
      splitBy(theirs.wire, theirs.writes),
      [unhex(theirs.wire)],
      Array.from(unhex(theirs.wire), (byte) => Uint8Array.of(byte)),
    ]) {
      const transport = new ScriptedTransport();
      const connecting = connect(transport, { key: recorded.key, clock: new FakeClock(), crypto });
      transport.arrive(...chunks);
      transport.end();
      const session = await connecting;
      const received: ChannelMessage[] = [];
      for await (const message of session.open(recorded.key)) received.push(message);
      expect(hex(session.remote.id)).toBe(from === 'A' ? recorded.aId : recorded.bId);
      expect(received).toEqual(expected.slice(2));
      expect(await session.closed).toEqual({ code: 'remote-closed' });
    }
  });
});

describe('extension names', () => {
  const cases: { local: string[]; remote: string[]; map: number[] }[] = v6.extensionMaps.cases;
  it.each(cases)('of $remote, known here $local', ({ local, remote, map }) => {
    const names = new ExtensionNames(local);
    names.setRemote(remote);
    const ours = remote.map((_, id) => names.nameOf(id));
    // Every shared name is found, whatever the order.
    expect(ours).toEqual(remote.map((name) => (local.includes(name) ? name : undefined)));
    for (const name of local) expect(names.has(name)).toBe(remote.includes(name));
    const isSorted = (list: string[]): boolean => list.join() === [...list].sort().join();
    // The reference finds the same where both lists are sorted, and never another.
    map.forEach((index, id) => {
      if (index !== -1) expect(local[index]).toBe(ours[id]);
      else if (isSorted(local) && isSorted(remote)) expect(ours[id]).toBeUndefined();
    });
    expect(names.nameOf(remote.length)).toBeUndefined();
  });
});
