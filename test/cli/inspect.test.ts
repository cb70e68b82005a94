/** `inspect` on a file: what it shows, to people and to programs, and how it ends. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { captureHeader, captureLine } from '../../src/inspect/index.ts';
import { recorded, recordedChunks } from '../inspect/capture.ts';
import { ipPacket, links, pcapngOf, pcapOf, segmentsOf } from '../inspect/packets.ts';
import { unhex } from '../vectors/index.ts';
import { comparable, type Inspecting, inspecting } from './inspecting.ts';
import { jsonLines, run, workFolder } from './run.ts';

const work = workFolder();
const file = (name: string, content: Uint8Array | string): string => {
  const path = join(work, name);
  writeFileSync(path, content);
  return path;
};
const packets = segmentsOf(recordedChunks).map((segment) => links[1]!(ipPacket(segment)));
const saved = file(
  'saved.jsonl',
  captureHeader('2026-11-25T00:00:00.000Z') +
    recordedChunks
      .map(({ direction, bytes }, time) =>
        captureLine({ type: 'bytes', connection: 1, time, direction, bytes }),
      )
      .join(''),
);
const pcap = file('saved.pcap', pcapOf(packets));
const key = ['--key', recorded.key];

async function inspected(...words: string[]): Promise<Inspecting> {
  const one = inspecting(...words);
  expect(await one.ended).toEqual({ code: 0, message: '' });
  return one;
}

describe('inspect on a file', () => {
  it('says the same of every format', async () => {
    const events = comparable((await inspected(saved, ...key, '--json')).events);
    expect(events).toHaveLength(recorded.order.length);
    for (const other of [pcap, file('saved.pcapng', pcapngOf(packets))]) {
      expect(comparable((await inspected(other, ...key, '--json')).events)).toEqual(events);
    }
    const raw = file('raw', unhex(recorded.aToB.wire));
    const one = comparable((await inspected(raw, ...key, '--json')).events);
    expect(one).toEqual(events.filter((line) => line.includes('"direction":"out"')));
  });

  it('shows a line a message, and what to make of it', async () => {
    const { lines } = await inspected(saved, ...key);
    expect(lines[0]).toBe('connection 1');
    expect(lines[1]).toMatch(
      /^ {4}0\.000 {2}→ +0 {4}0 {2}feed +discoveryKey ebceeb4b[0-9a-f]{56}, nonce [0-9a-f]{48}$/,
    );
    expect(lines).toContainEqual(expect.stringMatching(/← +\d+ {4}0 {2}want +start 0, length 1048576$/));
    expect(lines).toContainEqual(
      expect.stringMatching(/→ +\d+ {4}0 {2}have +start 0, length 1048576, bitfield blocks 0 to 2$/),
    );
    expect(lines).toContainEqual(
      expect.stringMatching(
        /→ +\d+ {4}0 {2}data +index 1, value "block 1", nodes \(index 0, hash 8a65[0-9a-f]{60}, size 8 bytes\), nodes \(/,
      ),
    );
    expect(lines).toContainEqual('→  564 bytes in 8 frames, 3 blocks of 22 bytes');
    expect(lines.at(-1)).toBe('Nothing is wrong up to where the capture ends: 3 blocks went across.');
    expect(lines.join('\n')).not.toContain(recorded.key);
    expect(lines.join('\n')).not.toContain('\u001b');
  });

  it('shows the bytes of every field with --bytes', async () => {
    const { lines } = await inspected(saved, ...key, '--bytes', '--type', 'want,feed', '--direction', 'in');
    const at = lines.findIndex((line) => line.includes('want '));
    expect(lines.slice(at + 1, at + 7).map((line) => line.trim().replace(/ {2,}/g, ' | '))).toEqual([
      expect.stringMatching(/^00000 \| 07 \| [0-9a-f]{2} \| length \| 7 bytes$/),
      expect.stringMatching(/^00001 \| 05 \| [0-9a-f]{2} \| header \| channel 0, type 5 \(want\)$/),
      expect.stringMatching(/^00002 \| 08 \| [0-9a-f]{2} \| start \| field 1, a varint$/),
      expect.stringMatching(/^00003 \| 00 \| [0-9a-f]{2} \| start \| 0$/),
      expect.stringMatching(/^00004 \| 10 \| [0-9a-f]{2} \| length \| field 2, a varint$/),
      expect.stringMatching(/^00005 \| 80 80 40 \| ([0-9a-f]{2} ?){3} \| length \| 1048576$/),
    ]);
    expect(lines.filter((line) => line.includes('in clear')).length).toBeGreaterThan(5);
  });

  it('gives a program every field, and with --bytes the bytes', async () => {
    const { events } = await inspected(saved, ...key, '--json', '--bytes', '--type', 'request');
    const requests = events.filter(({ event }) => event === 'message');
    expect(requests).toHaveLength(3);
    expect(requests[0]).toMatchObject({
      event: 'message',
      connection: 1,
      direction: 'in',
      channel: 0,
      type: 'request',
      index: 2,
      bytes: 0,
      hash: false,
      nodes: 0,
      byteLength: 10,
      plain: '09070802100018002000',
      ciphered: expect.stringMatching(/^[0-9a-f]{20}$/),
      fields: expect.arrayContaining([expect.objectContaining({ name: 'index', kind: 'value', text: '2' })]),
    });
  });

  it('shows only what is asked for', async () => {
    const types = async (...words: string[]): Promise<unknown[]> =>
      (await inspected(saved, ...key, '--json', ...words)).events
        .filter(({ event }) => event === 'message')
        .map(({ type }) => type);
    expect(await types('--type', 'data,have')).toEqual(['have', 'have', 'data', 'data', 'data']);
    expect(await types('--channel', '3')).toEqual([]);
    expect(await types('--direction', 'in')).toEqual([
      'feed',
      'handshake',
      'want',
      'request',
      'request',
      'request',
      'info',
    ]);
    expect(await types('--stream', '1')).toHaveLength(recorded.order.length);
    const none = await inspected(saved, ...key, '--json', '--stream', '2');
    expect(none.events).toEqual([{ event: 'note', text: expect.stringMatching(/no connection 2/) }]);
  });

  it('shows without a key what is in clear, and says what it takes', async () => {
    const { lines } = await inspected(pcap);
    expect(lines.filter((line) => / feed /.test(line) && /discoveryKey/.test(line))).toHaveLength(2);
    expect(lines.at(-1)).toMatch(/to read it takes the key of the feed with the discovery key ebceeb4b/);
  });

  it('passes over lines that are no records, and says so', async () => {
    const damaged = `${captureHeader('')}{"time":0}\nnonsense\n{"time":1,"direction":"out","bytes":"0"}\n{"time":2,"direction":"out","bytes":"00"}`;
    const { events } = await inspected(file('damaged.jsonl', damaged), '--json');
    expect(events.filter(({ event }) => event === 'note').map(({ text }) => text)).toEqual([
      'the capture: line 3 is no record',
      'the capture: line 4 is no record',
    ]);
    expect(events).toContainEqual(expect.objectContaining({ event: 'message', type: 'keepalive' }));
  });

  it('ends with 1 where there is no such file, and says so in an empty one', async () => {
    expect(await inspecting(join(work, 'missing'), '--json').ended).toEqual({
      code: 1,
      message: expect.stringMatching(/^there is no file .*missing: check the path$/),
    });
    expect(await inspecting(work, '--json').ended).toMatchObject({ code: 1 });
    expect((await inspected(file('empty', ''))).lines).toEqual([expect.stringMatching(/nothing to read/)]);
  });
});

describe('the command', () => {
  it('reads a file, and lets go of it', async () => {
    const { code, stdout, stderr } = await run(work, 'inspect', pcap, ...key, '--json');
    expect([code, stderr]).toEqual([0, '']);
    const lines = jsonLines(stdout);
    expect(lines.filter(({ event }) => event === 'message')).toHaveLength(recorded.order.length);
    expect(lines.at(-1)).toMatchObject({ event: 'verdict', ok: true });
  });

  it('says what is wrong with its words, and never the key', async () => {
    const { code, stdout, stderr } = await run(
      work,
      'inspect',
      pcap,
      '--key',
      recorded.key.slice(1),
      '--json',
    );
    expect(code).toBe(2);
    expect(stderr).toBe('hypercore-wire: --key is 64 hex characters, or a dat:// link that contains them\n');
    expect(stdout.toString() + stderr).not.toContain(recorded.key.slice(1));
  });
});
