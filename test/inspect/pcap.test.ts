/** Packet captures: the bytes of each TCP connection, however its segments came. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CapturedEvent,
  type CaptureEvent,
  CaptureInspector,
  CaptureReader,
} from '../../src/inspect/index.ts';
import { key, recorded, recordedChunks } from './capture.ts';
import {
  ACK,
  client,
  client6,
  ipPacket,
  links,
  type MadeSegment,
  pcapngOf,
  pcapOf,
  RST,
  segmentsOf,
  server,
  server6,
} from './packets.ts';

const ethernet = (segments: readonly MadeSegment[]): Uint8Array[] =>
  segments.map((segment) => links[1]!(ipPacket(segment)));

function read(file: Uint8Array, size: number = file.byteLength): CaptureEvent[] {
  const events: CaptureEvent[] = [];
  const reader = new CaptureReader((event) => events.push(event));
  for (let at = 0; at < file.byteLength; at += size) reader.push(file.slice(at, at + size));
  reader.end();
  return events;
}

/** The bytes of one direction of a connection, in hex, with what is missing as a row of `?`. */
function bytesOf(events: readonly CaptureEvent[], direction: 'out' | 'in', connection = 1): string {
  return events
    .map((event) => {
      if (event.type === 'note' || event.type === 'connection') return '';
      if (event.connection !== connection || event.direction !== direction || event.type === 'end') return '';
      return event.type === 'bytes' ? Buffer.from(event.bytes).toString('hex') : '?'.repeat(event.byteLength);
    })
    .join('');
}

const endsOf = (events: readonly CaptureEvent[]): unknown[] =>
  events.flatMap((event) => (event.type === 'end' ? [[event.direction, event.error]] : []));

/** That this file holds the recorded session, whole. */
function expectWhole(file: Uint8Array, size?: number): void {
  const events = read(file, size);
  expect(bytesOf(events, 'out')).toBe(recorded.aToB.wire);
  expect(bytesOf(events, 'in')).toBe(recorded.bToA.wire);
  expect(endsOf(events).sort()).toEqual([
    ['in', undefined],
    ['out', undefined],
  ]);
  expect(events.filter(({ type }) => type === 'note')).toEqual([]);
}

describe('a packet capture', () => {
  it.each(Object.keys(links).map(Number))('over the link of type %i, with IPv4 and IPv6', (link) => {
    for (const ends of [
      { from: client, to: server },
      { from: client6, to: server6 },
    ]) {
      const packets = segmentsOf(recordedChunks, ends).map((segment) => links[link]!(ipPacket(segment)));
      expectWhole(pcapOf(packets, { link }));
      expectWhole(pcapngOf(packets, { link }));
    }
  });

  it.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])('little-endian: %s, nanoseconds: %s, with its times', (isLittle, isNano) => {
    const packets = ethernet(segmentsOf(recordedChunks));
    for (const file of [pcapOf(packets, { isLittle, isNano }), pcapngOf(packets, { isLittle })]) {
      expectWhole(file);
      const times = read(file).flatMap((event) => (event.type === 'bytes' ? [Math.round(event.time)] : []));
      // The first three packets are the handshake of TCP.
      expect(times).toEqual(times.map((_, i) => 3 + i));
    }
  });

  it.each([1, 2, 5, 23, 64, 1000])('says the same when read in parts of %i bytes', (size) => {
    expectWhole(pcapOf(ethernet(segmentsOf(recordedChunks))), size);
    expectWhole(pcapngOf(ethernet(segmentsOf(recordedChunks))), size);
  });

  it('with segments in any order, twice, and overlapping', () => {
    const segments = segmentsOf(recordedChunks, { size: 9 });
    const twice = segments.slice(3).flatMap((segment, i) => {
      const { sequence, payload } = segment;
      const part = { ...segment, flags: ACK, payload: payload.subarray(i % 4) };
      return [segment, { ...part, sequence: (sequence + (i % 4)) >>> 0 }];
    });
    fc.assert(
      fc.property(fc.shuffledSubarray(twice, { minLength: twice.length }), (shuffled) => {
        expectWhole(pcapOf(ethernet([...segments.slice(0, 3), ...shuffled])));
      }),
      { numRuns: 30 },
    );
  });

  it('with segments that overlap two others', () => {
    const [syn, answer, ack, ...rest] = segmentsOf(recordedChunks, { size: 10 });
    const out = rest.filter(({ from, flags }) => from === client && flags === ACK);
    const [first] = out;
    const wide = { ...first!, payload: Buffer.from(recorded.aToB.wire, 'hex').subarray(0, 35) };
    expectWhole(pcapOf(ethernet([syn!, answer!, ack!, out[1]!, wide, ...rest])));
  });

  it('keeps connections apart, also one that uses the ports of another anew', () => {
    const other = { ...client, port: 50_001 };
    const first = segmentsOf(recordedChunks);
    const second = segmentsOf(recordedChunks, { from: other });
    const third = segmentsOf(recordedChunks, { start: { out: 5000, in: 6000 } });
    const mixed = first.flatMap((segment, i) => [segment, second[i]!]);
    const events = read(pcapOf(ethernet([...mixed, ...third])));
    for (const connection of [1, 2, 3]) {
      expect(bytesOf(events, 'out', connection)).toBe(recorded.aToB.wire);
      expect(bytesOf(events, 'in', connection)).toBe(recorded.bToA.wire);
    }
    const connections = events.flatMap((event) =>
      event.type === 'connection' ? [`${event.from} ${event.to}`] : [],
    );
    expect(connections).toEqual([
      '10.0.0.1:50000 10.0.0.2:3282',
      '10.0.0.1:50001 10.0.0.2:3282',
      '10.0.0.1:50000 10.0.0.2:3282',
    ]);
  });

  it('that began after the connection did: who has the larger port connected', () => {
    const events = read(pcapOf(ethernet(segmentsOf(recordedChunks).slice(3))));
    expect(bytesOf(events, 'out')).toBe(recorded.aToB.wire);
  });

  it('without some segments: says how many bytes are missing, and ends all the same', () => {
    const segments = segmentsOf(recordedChunks, { size: 50 });
    const out = segments.filter(({ from, payload }) => from === client && payload.byteLength > 0);
    const left = segments.filter((segment) => segment !== out[2] && segment !== out.at(-1));
    const wire: string = recorded.aToB.wire;
    const start = out.slice(0, 2).reduce((sum, { payload }) => sum + payload.byteLength, 0);
    const [gap, last] = [out[2]!.payload.byteLength, out.at(-1)!.payload.byteLength];
    const events = read(pcapOf(ethernet(left)));
    expect(bytesOf(events, 'out')).toBe(
      wire.slice(0, 2 * start) +
        '?'.repeat(gap) +
        wire.slice(2 * (start + gap), -2 * last) +
        '?'.repeat(last),
    );
    expect(endsOf(events)).toContainEqual(['out', undefined]);
  });

  it('of a connection that was reset', () => {
    const segments = segmentsOf(recordedChunks).slice(0, -2);
    const { sequence, payload } = segments.findLast(({ from }) => from === server)!;
    const reset = { from: server, to: client, sequence: sequence + payload.byteLength, flags: RST };
    const events = read(pcapOf(ethernet([...segments, { ...reset, payload: new Uint8Array(0) }])));
    expect(endsOf(events)).toEqual([
      ['out', 'it was reset'],
      ['in', 'it was reset'],
    ]);
  });

  it('that is cut off, or has a link that is not known: says so', () => {
    const packets = ethernet(segmentsOf(recordedChunks));
    expect(read(pcapOf(packets).slice(0, -5)).at(-1)).toMatchObject({
      type: 'note',
      text: /inside a packet/,
    });
    expect(read(pcapOf(packets, { link: 147 }))).toEqual([
      { type: 'note', text: expect.stringMatching(/link type 147/) },
    ]);
  });

  it('of any bytes behind its first: nothing is thrown', () => {
    const good = pcapOf(ethernet(segmentsOf(recordedChunks, { size: 20 })));
    const better = pcapngOf(ethernet(segmentsOf(recordedChunks, { size: 20 })));
    fc.assert(
      fc.property(
        fc.constantFrom(good, better),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 30 }),
        fc.nat(),
        (file, changes, cut) => {
          const damaged = file.slice(0, cut % 2 === 0 ? file.byteLength : cut % file.byteLength);
          for (const [at, value] of changes) damaged[4 + (at % (damaged.byteLength + 1))] = value;
          const inspector = new CaptureInspector({ keys: [key], listener: () => {} });
          inspector.push(damaged);
          inspector.end();
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a packet capture, inspected', () => {
  const inspected = (segments: readonly MadeSegment[], connection?: number): CapturedEvent[] => {
    const events: CapturedEvent[] = [];
    const inspector = new CaptureInspector({
      keys: [key],
      connection,
      listener: (event) => events.push(event),
    });
    inspector.push(pcapOf(ethernet(segments)));
    inspector.end();
    return events;
  };
  const messages = (events: readonly CapturedEvent[]) =>
    events.flatMap((event) =>
      event.event === 'message' ? [`${event.connection} ${event.direction} ${event.type}`] : [],
    );

  it('shows each connection, or the one that is asked for', () => {
    const second = segmentsOf(recordedChunks, { from: { ...client, port: 50_001 } });
    const both = inspected([...segmentsOf(recordedChunks), ...second]);
    expect(messages(both)).toHaveLength(2 * recorded.order.length);
    const one = inspected([...segmentsOf(recordedChunks), ...second], 2);
    expect(messages(one)).toHaveLength(recorded.order.length);
    expect(new Set(messages(one).map((text) => text[0]))).toEqual(new Set(['2']));
  });

  it('goes on with the next whole frame behind what is missing', () => {
    const segments = segmentsOf(recordedChunks, { size: 40 });
    // In the middle of the first of three Data.
    const missing = segments.filter(({ from, payload }) => from === client && payload.byteLength > 0)[6]!;
    const events = inspected(segments.filter((segment) => segment !== missing));
    const data = events.filter((event) => event.event === 'message' && event.type === 'data');
    expect(data).toHaveLength(2);
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'warning', text: 'the capture does not have the next 40 bytes' }),
    );
    expect(events.filter(({ event }) => event === 'verdict')).toContainEqual(
      expect.objectContaining({
        ok: false,
        text: expect.stringMatching(/^The capture does not have 40 bytes/),
      }),
    );
  });
});
