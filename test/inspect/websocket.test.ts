/** A WebSocket in a packet capture: what travels in it. */
import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dialSocket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Feed, memoryStorage, replicate } from '../../src/index.ts';
import {
  type CapturedEvent,
  type CaptureEvent,
  CaptureInspector,
  CaptureReader,
  type Direction,
} from '../../src/inspect/index.ts';
import { dialWebSocket, listenWebSocket } from '../../src/transport/node.ts';
import { type Chunk, recorded, recordedChunks } from './capture.ts';
import { ipPacket, links, pcapOf, segmentsOf } from './packets.ts';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const heads: Readonly<Record<Direction, Uint8Array>> = {
  out: ascii(
    'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n',
  ),
  in: ascii('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
};
const [BYTES, TEXT, CLOSE, PING] = [2, 1, 8, 9];

/** A frame, masked as a client has to. */
function frameOf(payload: Uint8Array, { opcode = BYTES, mask = [1, 2, 3, 0xff], flags = 0x80 } = {}): Buffer {
  const { byteLength } = payload;
  const length = Buffer.alloc(byteLength < 126 ? 0 : byteLength < 65_536 ? 2 : 8);
  if (length.byteLength === 2) length.writeUInt16BE(byteLength);
  if (length.byteLength === 8) length.writeBigUInt64BE(BigInt(byteLength));
  const short = length.byteLength === 0 ? byteLength : length.byteLength === 2 ? 126 : 127;
  const first = [flags | opcode, (mask.length > 0 ? 0x80 : 0) | short];
  return Buffer.concat([
    Buffer.from(first),
    length,
    Buffer.from(mask),
    payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0)),
  ]);
}

const masked = (direction: Direction): { mask?: number[] } => (direction === 'in' ? { mask: [] } : {});

/** The chunks, each a message of bytes, behind the heads of both sides. */
const upgraded = (chunks: readonly Chunk[]): Chunk[] => [
  ...(['out', 'in'] as const).map((direction) => ({ direction, bytes: heads[direction] })),
  ...chunks.map(({ direction, bytes }) => ({ direction, bytes: frameOf(bytes, masked(direction)) })),
];

/** What a capture of these chunks tells, in which one segment with bytes, by its number, is missing. */
function read(chunks: readonly Chunk[], size = 100, missing = -1): CaptureEvent[] {
  const segments = segmentsOf(chunks, { size });
  const gone = segments.filter(({ payload }) => payload.byteLength > 0)[missing];
  const packets = segments.filter((one) => one !== gone).map((segment) => links[1]!(ipPacket(segment)));
  const events: CaptureEvent[] = [];
  const reader = new CaptureReader((event) => events.push(event));
  reader.push(pcapOf(packets));
  reader.end();
  return events;
}

function bytesOf(events: readonly CaptureEvent[], direction: Direction): string {
  return events
    .map((event) =>
      event.type === 'bytes' && event.direction === direction ? Buffer.from(event.bytes).toString('hex') : '',
    )
    .join('');
}

const endOf = (events: readonly CaptureEvent[], direction: Direction): string | undefined =>
  events.flatMap((one) =>
    one.type === 'end' && one.direction === direction ? [one.error ?? 'proper'] : [],
  )[0];

describe('a WebSocket in a packet capture', () => {
  it.each([1, 7, 100, 1400])('gives the session in it, in segments of %i bytes', (size) => {
    const events = read(upgraded(recordedChunks), size);
    expect(bytesOf(events, 'out')).toBe(recorded.aToB.wire);
    expect(bytesOf(events, 'in')).toBe(recorded.bToA.wire);
    expect([endOf(events, 'out'), endOf(events, 'in')]).toEqual(['proper', 'proper']);
    expect(events.filter(({ type }) => type === 'note')).toEqual([]);
  });

  it('as two peers of this package speak it', async () => {
    const feed = await Feed.create(memoryStorage());
    await feed.append(new Uint8Array(100_000).fill(1));
    const served: Promise<unknown>[] = [];
    const server = await listenWebSocket(0, '127.0.0.1', (transport) => {
      served.push(replicate(transport, { feeds: feed }).then(({ closed }) => closed));
    });
    const chunks: Chunk[] = [];
    const tap = createServer((near) => {
      const far = dialSocket(server.port, '127.0.0.1');
      near.on('data', (bytes) => chunks.push({ direction: 'out', bytes: bytes.slice() }));
      far.on('data', (bytes) => chunks.push({ direction: 'in', bytes: bytes.slice() }));
      near.pipe(far).pipe(near);
    }).listen(0, '127.0.0.1');
    await once(tap, 'listening');
    const copy = await Feed.open(memoryStorage(), { key: feed.key });
    const { port } = tap.address() as AddressInfo;
    await (await replicate(await dialWebSocket(`ws://127.0.0.1:${port}`), { feeds: copy })).closed;
    await Promise.all(served);
    await server.close();
    await new Promise((resolve) => tap.close(resolve));

    const packets = segmentsOf(chunks, { size: 1400 }).map((segment) => links[1]!(ipPacket(segment)));
    const events: CapturedEvent[] = [];
    const inspector = new CaptureInspector({ keys: [feed.key], listener: (event) => events.push(event) });
    inspector.push(pcapOf(packets));
    inspector.end();
    expect(events.filter(({ event }) => ['warning', 'fault', 'note'].includes(event))).toEqual([]);
    expect(events.filter(({ event }) => event === 'verdict')).toMatchObject([
      { ok: true, text: expect.stringMatching(/^Both sides ended properly.*1 block went across/) },
    ]);
  });

  it('with payloads of any size, in parts, and pings between them', () => {
    const part = fc.tuple(
      fc.constantFrom(BYTES, PING, CLOSE),
      fc.oneof(
        fc.uint8Array({ maxLength: 125 }),
        fc.constantFrom(126, 65_535, 65_536).map((n) => new Uint8Array(n).fill(7)),
      ),
      fc.boolean(),
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const frames = parts.map(([opcode, payload, isWhole, mask]) =>
          opcode === BYTES && !isWhole
            ? Buffer.concat([
                frameOf(payload.subarray(0, 3), { flags: 0, mask: [...mask] }),
                frameOf(new Uint8Array(2), { opcode: PING }),
                frameOf(payload.subarray(3), { opcode: 0, mask: [] }),
              ])
            : frameOf(payload, { opcode, mask: [...mask] }),
        );
        const bytes = Buffer.concat([heads.out, ...frames]);
        const expected = Buffer.concat(
          parts.filter(([opcode]) => opcode === BYTES).map(([, payload]) => payload),
        );
        expect(bytesOf(read([{ direction: 'out', bytes }], 1400), 'out')).toBe(expected.toString('hex'));
      }),
      { numRuns: 60 },
    );
  });

  it('says what it cannot read: compressed messages, text, and where a frame begins that is missing', () => {
    const compressed = read([
      { direction: 'out', bytes: heads.out },
      { direction: 'out', bytes: frameOf(new Uint8Array(3), { flags: 0xc0 }) },
    ]);
    expect(endOf(compressed, 'out')).toMatch(/compressed/);
    const text = read([
      { direction: 'out', bytes: heads.out },
      { direction: 'out', bytes: frameOf(ascii('hello'), { opcode: TEXT }) },
      { direction: 'out', bytes: frameOf(Uint8Array.of(1)) },
    ]);
    expect(text.filter(({ type }) => type === 'note')).toMatchObject([
      { text: expect.stringMatching(/of text/) },
    ]);
    expect(bytesOf(text, 'out')).toBe('01');
    /** With the second segment of 200 bytes left out: the head is shorter than the first. */
    const gap = (...lengths: number[]): CaptureEvent[] => {
      const frames = lengths.map((length) => frameOf(new Uint8Array(length)));
      return read([{ direction: 'out', bytes: Buffer.concat([heads.out, ...frames]) }], 200, 1);
    };
    const inside = gap(1000, 3);
    expect(inside.filter(({ type }) => type === 'missing')).toMatchObject([{ byteLength: 200 }]);
    expect(bytesOf(inside, 'out')).toBe('00'.repeat(803));
    expect(endOf(inside, 'out')).toBe('proper');
    const across = gap(150, 150);
    expect(endOf(across, 'out')).toMatch(/where its next WebSocket frame begins/);
    expect(across.filter(({ type }) => type === 'missing')).toEqual([]);
  });

  it('is none where the head says nothing of it, and none without a head', () => {
    const bytes = ascii('GET / HTTP/1.1\r\nHost: here\r\n\r\n');
    expect(bytesOf(read([{ direction: 'out', bytes }]), 'out')).toBe(Buffer.from(bytes).toString('hex'));
    const endless = ascii(`GET /${'a'.repeat(20_000)}`);
    expect(bytesOf(read([{ direction: 'out', bytes: endless }]), 'out')).toBe(
      Buffer.from(endless).toString('hex'),
    );
    const cut = ascii('GET / HT');
    expect(bytesOf(read([{ direction: 'out', bytes: cut }], 3), 'out')).toBe(
      Buffer.from(cut).toString('hex'),
    );
  });

  it('throws for no bytes behind a head', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        read([{ direction: 'out', bytes: Buffer.concat([heads.out, bytes]) }], 50);
      }),
    );
  });
});
