/** The parts of a frame: they cover it, they say what is in it, and nothing that is in it breaks them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { annotate, type InspectedField } from '../../src/inspect/index.ts';
import { encodePacket } from '../../src/wire/codec.ts';
import { type Ephemeral, writeEphemeral } from '../../src/wire/ephemeral.ts';
import { decodePacket, encodeRle, frame } from '../../src/wire/index.ts';
import { write } from '../../src/wire/protobuf.ts';
import { writeHello, writeSealed } from '../../src/wire/sealed-ephemeral.ts';
import { writePresence, writeSigned, writeSignedBody } from '../../src/wire/signed-ephemeral.ts';
import { messages } from '../wire/arbitrary.ts';
import { inspect, only, recordedChunks } from './capture.ts';

/** That these cover `start` to `end` without gap or overlap, and so on inside. */
function expectCover(fields: readonly InspectedField[], start: number, end: number): void {
  let at = start;
  for (const field of fields) {
    expect(field.start).toBe(at);
    expect(field.end).toBeGreaterThan(field.start);
    if (field.fields !== undefined) expectCover(field.fields, field.start, field.end);
    at = field.end;
  }
  expect(at).toBe(end);
}

/** `name text` of every value, also those inside others. */
function values(fields: readonly InspectedField[]): string[] {
  return fields.flatMap(({ kind, name, text, fields: inner = [] }) => [
    ...(kind === 'value' ? [`${name} ${text}`] : []),
    ...values(inner),
  ]);
}

const all = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);

describe('the parts of a frame', () => {
  it('cover every frame of the recorded session', () => {
    for (const { frame: one } of only(inspect(recordedChunks), 'message')) {
      expectCover(one.fields, 0, one.plain.byteLength);
    }
  });

  it('cover any message, on any channel, and each field is told apart', () => {
    fc.assert(
      fc.property(fc.nat(255), messages, (channel, { sent }) => {
        const bytes = frame(channel, sent);
        const fields = annotate(bytes);
        expectCover(fields, 0, bytes.byteLength);
        expect(fields.filter(({ kind }) => kind === 'unknown')).toEqual([]);
      }),
    );
  });

  it('are read in an event from bytes that encode its message again', () => {
    for (const { frame: one, channel, message } of only(inspect(recordedChunks), 'message')) {
      const body = one.plain.subarray(one.fields[0]!.end);
      expect(decodePacket(body, 256).message).toEqual(message);
      const { type } = message;
      if (type === 'unassigned' || type === 'unreadable' || type === 'have') continue;
      // hypercore leaves out a default here and there; what it says is the same.
      expect(decodePacket(encodePacket(channel, message), 256).message).toEqual(message);
    }
  });

  it('cover any bytes, as a frame and as what an extension carries', () => {
    const names = fc.constantFrom(
      'ephemeral',
      'signed-ephemeral/1',
      'sealed-ephemeral/1',
      'session-data',
      'other',
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.option(names), (bytes, name) => {
        expectCover(annotate(bytes, name ?? undefined), 0, bytes.byteLength);
        if (name === null) return;
        const extension = frame(1, { type: 'extension', id: 3, payload: bytes });
        expectCover(annotate(extension, name), 0, extension.byteLength);
      }),
      { numRuns: 2000 },
    );
  });

  it('cover a message however it is damaged', () => {
    fc.assert(
      fc.property(messages, fc.nat(), fc.nat(255), fc.nat(), ({ sent }, at, value, cut) => {
        const whole = frame(0, sent);
        const bytes = whole.slice(0, 1 + (cut % whole.byteLength));
        bytes[at % bytes.byteLength] = value;
        expectCover(annotate(bytes), 0, bytes.byteLength);
      }),
      { numRuns: 2000 },
    );
  });

  it('name each node of a Data, and stop counting somewhere', () => {
    const nodes = Array.from({ length: 3 }, (_, i) => ({ index: 2 * i, hash: all(32, i), size: 10 + i }));
    const data = annotate(
      frame(2, { type: 'data', index: 7, value: new TextEncoder().encode('seven'), nodes }),
    );
    expect(data[1]).toMatchObject({ kind: 'header', text: 'channel 2, type 9 (data)' });
    expect(data.filter(({ kind }) => kind === 'value').map(({ name, text }) => `${name}: ${text}`)).toEqual([
      'index: 7',
      'value: "seven"',
      'nodes: index 0, size 10 bytes',
      'nodes: index 2, size 11 bytes',
      'nodes: index 4, size 12 bytes',
    ]);
    const endless = new Uint8Array(4 + 2 + 100_000);
    endless.set([0xa0 | 2, 0x8d, 6, 9]);
    for (let i = 4; i < endless.byteLength; i += 2) endless.set([0x50, 0], i);
    const parts = annotate(endless);
    expectCover(parts, 0, endless.byteLength);
    expect(parts.length).toBeLessThan(5000);
  });

  it('say which blocks a bitfield tells of', () => {
    const text = (start: number, bits: Uint8Array): string =>
      values(
        annotate(frame(0, { type: 'have', start, length: 8 * bits.byteLength, bitfield: encodeRle(bits) })),
      ).find((value) => value.startsWith('bitfield'))!;
    expect(text(0, Uint8Array.of(0b11100000))).toBe('bitfield blocks 0 to 2');
    expect(text(8192, Uint8Array.of(0b00000100))).toBe('bitfield block 8197');
    expect(text(0, Uint8Array.of(0b10000001, ...all(40, 255), 0b10100000))).toBe(
      'bitfield blocks 0, 7 to 328, 330',
    );
    expect(text(0, all(3000, 0x55))).toMatch(/^bitfield blocks 1, 3, 5, .*, …$/);
    // A few bytes that announce a giant run cost nothing.
    const giant = frame(0, {
      type: 'have',
      start: 0,
      length: 1,
      bitfield: Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
    });
    expect(values(annotate(giant))).toContain('bitfield blocks 0 to 1125899906842615');
  });

  it('are those of the extensions that are known', () => {
    const content: Ephemeral = { contentType: 'text/plain', payload: new TextEncoder().encode('hi') };
    const extension = (name: string, payload: Uint8Array): string[] =>
      values(annotate(frame(0, { type: 'extension', id: 1, payload }), name));
    expect(extension('ephemeral', write(writeEphemeral, content))).toEqual([
      'id 1 (ephemeral)',
      'contentType "text/plain"',
      'payload "hi"',
    ]);
    const presence = write(writePresence, {
      ttl: 9000,
      writers: [{ key: all(32, 5), signature: all(64, 6) }],
    });
    const body = write(writeSignedBody, {
      sender: all(32, 1),
      epoch: 3,
      sequence: 4,
      timestamp: Date.UTC(2026, 0, 2),
      contentType: 'hypercore/presence',
      payload: presence,
    });
    const signed = extension(
      'signed-ephemeral/1',
      write(writeSigned, { body, signature: all(64, 2), hops: 2 }),
    );
    expect(signed).toEqual(
      expect.arrayContaining([
        `sender ${'01'.repeat(32)}`,
        'sequence 4',
        'timestamp 2026-01-02T00:00:00.000Z',
        'ttl 9000 ms',
        `key ${'05'.repeat(32)}`,
        'hops 2',
      ]),
    );
    const hello = write(writeHello, { sender: all(32, 1), key: all(32, 7) });
    expect(extension('sealed-ephemeral/1', write(writeSealed, { hello, signature: all(64, 2) }))).toContain(
      `key ${'07'.repeat(32)}`,
    );
    expect(extension('session-data', new TextEncoder().encode('{"name":"ann"}'))).toContain(
      'payload "{\\"name\\":\\"ann\\"}"',
    );
  });

  it('show no text that a terminal would act on', () => {
    const nasty = '\u001b[2J\u009b\u202e';
    const shown = JSON.stringify([
      annotate(frame(0, { type: 'handshake', extensions: [nasty] })),
      annotate(
        frame(0, { type: 'extension', id: 0, payload: new TextEncoder().encode(nasty) }),
        'session-data',
      ),
      annotate(frame(0, { type: 'extension', id: 0, payload: new Uint8Array(1) }), nasty),
      annotate(frame(0, { type: 'data', index: 0, value: new TextEncoder().encode(nasty) })),
    ]);
    expect(shown).not.toMatch(/[\u009b\u202e]|\\u001b/);
  });
});
