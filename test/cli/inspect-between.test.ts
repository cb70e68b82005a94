/** `inspect --listen … --to …` between two peers that know nothing of it. */
import { readFileSync } from 'node:fs';
import { connect as dialSocket, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Feed, memoryStorage, replicate, toHex } from '../../src/index.ts';
import { CaptureReader } from '../../src/inspect/index.ts';
import { dialTcp, dialWebSocket, listenTcp, listenWebSocket } from '../../src/transport/node.ts';
import { append, type Hypercore, openHypercore, run } from '../interop/hypercore.ts';
import { serveTcp } from '../interop/server.ts';
import { unhex, v6 } from '../vectors/index.ts';
import { fromKnown } from '../wire/known.ts';
import { comparable, inspecting } from './inspecting.ts';
import { workFolder } from './run.ts';

const work = workFolder();
const known = v6.hypercoreSession;
const blocks: Uint8Array[] = v6.merkle.blocks.slice(0, 3).map(unhex);

/** The feed of the recorded session. */
async function writer(): Promise<Hypercore> {
  const options = { key: unhex(known.key), secretKey: Buffer.from(v6.merkle.secretKey, 'hex') };
  const feed = await openHypercore(options);
  await append(feed, blocks);
  return feed;
}

/** What has passed a socket, as it was when it did. */
function recorded(socket: Socket): { sent: Buffer[]; received: Buffer[] } {
  const bytes = { sent: [] as Buffer[], received: [] as Buffer[] };
  socket.on('data', (chunk: Buffer) => bytes.received.push(Buffer.from(chunk)));
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.write = ((chunk: Uint8Array, ...rest: unknown[]) => {
    bytes.sent.push(Buffer.from(chunk));
    return write(chunk, ...rest);
  }) as typeof socket.write;
  return bytes;
}

describe('between two peers of hypercore 7', () => {
  it('shows every message of the recorded session and changes nothing; its capture reads back the same', async () => {
    const server = await serveTcp(await writer());
    const save = join(work, 'session.jsonl');
    const live = inspecting(
      ...[
        '--listen',
        'tcp://127.0.0.1:0',
        `--to=${server.url}`,
        '--key',
        known.key,
        '--json',
        '--save',
        save,
      ],
    );
    const { url } = await live.event('listening');
    expect(live.events[0]).toEqual({
      event: 'listening',
      url: expect.stringMatching(/^tcp:\/\/127\.0\.0\.1:\d+$/),
    });
    const clone = await openHypercore({ key: unhex(known.key) });
    const socket = dialSocket({ port: Number(new URL(url as string).port), host: '127.0.0.1' });
    const passed = recorded(socket);
    expect(await run(socket, clone.replicate({}))).toBeUndefined();
    expect([clone.length, clone.byteLength]).toEqual([known.cloneLength, known.cloneByteLength]);
    await live.event('verdict');

    for (const [from, direction] of [
      ['B', 'out'],
      ['A', 'in'],
    ] as const) {
      const shown = live.events.filter((one) => one.event === 'message' && one.direction === direction);
      const expected = known.order
        .filter((entry: { from: string }) => entry.from === from)
        .map((entry: { typeName: string; message: Record<string, unknown> }) => ({
          ...hexed(fromKnown(entry.typeName, entry.message)),
          // New for each session.
          ...(entry.typeName === 'Feed' ? { nonce: expect.any(String) } : {}),
          ...(entry.typeName === 'Handshake' ? { id: expect.any(String) } : {}),
        }));
      expect(shown).toHaveLength(expected.length);
      expect(shown).toEqual(
        expect.arrayContaining(expected.map((one: object) => expect.objectContaining(one))),
      );
    }
    expect(live.events.filter(({ event }) => event === 'warning' || event === 'fault')).toEqual([]);
    expect(live.events.filter(({ event }) => event === 'verdict')).toEqual([
      expect.objectContaining({ ok: true, text: expect.stringContaining('3 blocks went across') }),
    ]);
    expect(await live.stop()).toBe(130);

    const kept = { out: [] as Uint8Array[], in: [] as Uint8Array[] };
    const reader = new CaptureReader((event) => {
      if (event.type === 'bytes') kept[event.direction].push(event.bytes);
    });
    reader.push(readFileSync(save));
    reader.end();
    expect(Buffer.concat(kept.out)).toEqual(Buffer.concat(passed.sent));
    expect(Buffer.concat(kept.in)).toEqual(Buffer.concat(passed.received));

    const again = inspecting(save, '--key', `dat://${known.key}`, '--json');
    expect((await again.ended).code).toBe(0);
    // Between what opens and what ends it.
    const told = live.events.slice(1, -1);
    expect(again.events.map(timeless)).toEqual(told.map(timeless));
    server.close();
  });
});

describe('between peers of this package', () => {
  it.each(['tcp', 'ws'] as const)('over %s, one after the other and at once', async (scheme) => {
    const feed = await Feed.create(memoryStorage());
    await feed.append(Array.from({ length: 40 }, (_, i) => new Uint8Array(5000).fill(i)));
    const serve = (transport: Parameters<typeof replicate>[0]): void => {
      replicate(transport, { feeds: () => feed }).catch(() => {});
    };
    const listener =
      scheme === 'tcp'
        ? await listenTcp(0, '127.0.0.1', serve)
        : await listenWebSocket(0, '127.0.0.1', serve);
    const to = `${scheme}://127.0.0.1:${listener.port}`;
    const live = inspecting(
      ...['--listen', `${scheme}://127.0.0.1:0`, '--to', to, '--key', toHex(feed.key), '--json'],
    );
    const url = (await live.event('listening')).url as string;
    const sync = async (): Promise<void> => {
      const copy = await Feed.open(memoryStorage(), { key: feed.key });
      const transport =
        scheme === 'tcp' ? await dialTcp(Number(new URL(url).port)) : await dialWebSocket(url);
      const { closed } = await replicate(transport, { feeds: copy });
      expect((await closed).code).toMatch(/closed/);
      expect(copy.count()).toBe(40);
    };
    await sync();
    await Promise.all([sync(), sync()]);
    await listener.close();
    expect(await live.stop()).toBe(130);
    const blocksOf = (connection: number): number =>
      live.events.filter((one) => one.connection === connection && one.type === 'data').length;
    expect([1, 2, 3].map(blocksOf)).toEqual([40, 40, 40]);
    expect(live.events.filter(({ event }) => event === 'verdict').map(({ ok }) => ok)).toEqual([
      true,
      true,
      true,
    ]);
    expect(comparable(live.events)).toHaveLength(
      live.events.filter(({ event }) => event === 'message').length,
    );
  });

  it('tells of a peer that is not there, and goes on', async () => {
    const nobody = await listenTcp(0, '127.0.0.1', () => {});
    await nobody.close();
    const live = inspecting(
      '--listen',
      'tcp://127.0.0.1:0',
      '--to',
      `tcp://127.0.0.1:${nobody.port}`,
      '--json',
    );
    const url = (await live.event('listening')).url as string;
    const socket = dialSocket({ port: Number(new URL(url).port), host: '127.0.0.1' }).on('error', () => {});
    const closed = new Promise((resolve) => socket.on('close', resolve));
    expect((await live.event('refused')).error).toMatch(/cannot connect to 127\.0\.0\.1/);
    await closed;
    expect(await live.stop()).toBe(130);
  });
});

describe('a file for the capture', () => {
  it('that is there already is left as it is', async () => {
    const path = join(work, 'session.jsonl');
    const before = readFileSync(path);
    const live = inspecting('--listen', 'tcp://127.0.0.1:0', '--to', 'tcp://127.0.0.1:1', '--save', path);
    expect(await live.ended).toEqual({ code: 1, message: expect.stringContaining('exists already') });
    expect(readFileSync(path)).toEqual(before);
  });
});

function timeless<T extends object>(event: T): T {
  return 'time' in event ? { ...event, time: expect.anything() } : event;
}

function hexed(value: object): object {
  return JSON.parse(
    JSON.stringify(value, (_, inner: unknown) => (inner instanceof Uint8Array ? toHex(inner) : inner)),
  ) as object;
}
