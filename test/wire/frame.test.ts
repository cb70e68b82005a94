import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../../src/errors.ts';
import { pipe } from '../../src/stream/stage.ts';
import { Deframer, deframe } from '../../src/wire/frame.ts';
import { varintLength, writeVarint } from '../../src/wire/varint.ts';
import { hex, unhex } from '../vectors/index.ts';

const MAX = 8_388_608;

function framed(bodies: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    bodies.map((body) => {
      const frame = new Uint8Array(varintLength(body.byteLength) + body.byteLength);
      frame.set(body, writeVarint(body.byteLength, frame, 0));
      return frame;
    }),
  );
}

/** The bodies of whole frames, read the plain way. */
function naive(bytes: Uint8Array): string[] {
  const bodies: string[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    let length = 0;
    let shift = 0;
    for (;;) {
      const byte = bytes[at++]!;
      length |= (byte & 0x7f) << shift;
      shift += 7;
      if (byte < 0x80) break;
    }
    bodies.push(hex(bytes.subarray(at, (at += length))));
  }
  return bodies;
}

/** Cuts at the given places, empty chunks included where two are equal. */
function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = cuts.map((cut) => cut % (bytes.byteLength + 1)).sort((a, b) => a - b);
  return [0, ...places].map((start, i) => bytes.slice(start, places[i] ?? bytes.byteLength));
}

function run(chunks: readonly Uint8Array[], max = MAX): string[] {
  const deframer = new Deframer(max);
  const out: Uint8Array[] = [];
  for (const chunk of chunks) deframer.push(chunk, out);
  deframer.end();
  return out.map(hex);
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'no error';
}

const bodies = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 3 }),
    fc.integer({ min: 120, max: 400 }).map((length) => new Uint8Array(length).fill(length)),
    fc.constantFrom(16_383, 16_384).map((length) => new Uint8Array(length).fill(7)),
  ),
  { maxLength: 8 },
);

describe('the deframer', () => {
  it('finds the same frames at any chunking', () => {
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(), { maxLength: 12 }), (list, cuts) => {
        const bytes = framed(list);
        const expected = list.map(hex);
        expect(naive(bytes)).toEqual(expected);
        expect(run([bytes])).toEqual(expected);
        expect(run(cutAt(bytes, cuts))).toEqual(expected);
      }),
    );
  });

  it("leaves its chunks as they are, and gives away what is nobody else's", () => {
    const bytes = framed([
      new Uint8Array(300).fill(1),
      new Uint8Array(500).fill(2),
      new Uint8Array(9).fill(3),
    ]);
    const chunks = cutAt(bytes, [7, 400, 801, 805]);
    const before = chunks.map(hex);
    const out: Uint8Array[] = [];
    const deframer = new Deframer(1000);
    for (const chunk of chunks) deframer.push(chunk, out);
    expect(chunks.map(hex)).toEqual(before);
    for (const [i, body] of out.entries()) body.fill(i + 10);
    expect(out.map(hex)).toEqual([300, 500, 9].map((length, i) => hex(new Uint8Array(length).fill(i + 10))));
  });

  it('finds them byte by byte', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (list) => {
        const bytes = framed(list);
        expect(run(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(list.map(hex));
      }),
      { numRuns: 30 },
    );
  });

  it('takes lengths that are wider than they need be, up to four bytes', () => {
    expect(run([unhex('838000020801')])).toEqual(['020801']);
    expect(run([unhex('8080800003020801')])).toEqual(['', '020801']);
    expect(codeOf(() => run([unhex('8180808000')]))).toBe('frame-too-large');
    expect(codeOf(() => run([unhex('80'), unhex('80'), unhex('80'), unhex('80')]))).toBe('frame-too-large');
  });

  it('takes a frame of 8 MiB in small chunks', () => {
    const body = new Uint8Array(MAX);
    for (let i = 0; i < MAX; i += 997) body[i] = i;
    const bytes = framed([body, Uint8Array.of(2, 8, 1)]);
    const deframer = new Deframer(MAX);
    const out: Uint8Array[] = [];
    for (let at = 0; at < bytes.byteLength; at += 1499) deframer.push(bytes.slice(at, at + 1499), out);
    expect(out).toHaveLength(2);
    expect(Buffer.compare(out[0]!, body)).toBe(0);
    expect(hex(out[1]!)).toBe('020801');
  });

  it.each([
    ['81808004', MAX],
    ['ffffff7f', MAX],
    ['81808004', MAX - 1],
    ['11', 16],
  ])('refuses the length %s under a limit of %d, before any of the body', (length, max) => {
    expect(codeOf(() => run([unhex(length)], max))).toBe('frame-too-large');
  });

  it('hands on the frames before the one that it refuses', () => {
    const deframer = new Deframer(MAX);
    const out: Uint8Array[] = [];
    expect(codeOf(() => deframer.push(unhex('03020801ffffffff'), out))).toBe('frame-too-large');
    expect(out.map(hex)).toEqual(['020801']);
  });

  it('hands them on also as a stage, and only then fails', async () => {
    const source = (async function* () {
      yield [unhex('0302'), unhex('080103')];
      yield [unhex('ffffffffff')];
      yield [unhex('ffffffffff')];
    })();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const batch of pipe(source, deframe({ frameBytes: MAX }))) seen.push(...batch.map(hex));
    })();
    await expect(reading).rejects.toMatchObject({ code: 'frame-too-large' });
    expect(seen).toEqual(['020801', 'ffffff']);
  });

  it.each(['80', '05', '050102', '8080'])('says that %s was cut off', (bytes) => {
    expect(codeOf(() => run([unhex(bytes)]))).toBe('truncated');
  });

  it('grows with what arrives, not with what is announced', () => {
    const before = process.memoryUsage().arrayBuffers;
    const announced = Array.from({ length: 200 }, () => {
      const deframer = new Deframer(MAX);
      deframer.push(unhex('80808004'), []);
      deframer.push(new Uint8Array(1000), []);
      return deframer;
    });
    // Announced are 1.6 GiB, sent 200 KB.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4_000_000);
    expect(codeOf(() => announced[0]!.end())).toBe('truncated');
  });

  it('never overwrites a body that it has handed out', () => {
    const deframer = new Deframer(MAX);
    const out: Uint8Array[] = [];
    for (let i = 0; i < 50; i++) {
      deframer.push(Uint8Array.of(4, i, i), out);
      deframer.push(Uint8Array.of(i, i), out);
    }
    expect(out.map(hex)).toEqual(Array.from({ length: 50 }, (_, i) => hex(new Uint8Array(4).fill(i))));
  });
});
