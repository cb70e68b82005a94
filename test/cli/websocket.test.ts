/** The command line over WebSocket, by itself and beside TCP. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect as dialSocket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { toHex } from '../../src/index.ts';
import { append, openHypercore, promise, run as serve } from '../interop/hypercore.ts';
import { noise, rawServer } from './peer.ts';
import { jsonLines, type Line, lastLine, run, share, start, workFolder } from './run.ts';

const BLOCK = 65_536;
const work = workFolder();
const content = noise(10 * BLOCK + 1234);
const file = join(work, 'file');
writeFileSync(file, content);
const at = (name: string): string => join(work, name);

/** The urls of a ready line: the TCP one comes first. */
function urlsOf(ready: Line): [tcp: string, ws: string] {
  expect(ready.urls).toEqual([
    expect.stringMatching(/^tcp:\/\/127\.0\.0\.1:\d+$/),
    expect.stringMatching(/^ws:\/\/127\.0\.0\.1:\d+$/),
  ]);
  return ready.urls as [string, string];
}

/** How a WebSocket with this Origin fares: `open`, or why not. */
function outcome(url: string, origin?: string): Promise<string> {
  const client = new WebSocket(url, origin === undefined ? {} : { origin });
  return new Promise((resolve) => {
    client.once('open', () => resolve('open'));
    client.once('error', (error) => resolve(error.message));
  }).finally(() => client.on('error', () => {}).terminate()) as Promise<string>;
}

describe('share --ws and sync ws://', () => {
  it('a whole file, from one share over both at once', async () => {
    const shared = await share(work, file, '--ws', '0');
    const [tcp, ws] = urlsOf(shared.ready);
    const outs = [`${ws}/any/path`, tcp, ws].map((url, i) => ({ url, out: at(`whole-${i}`) }));
    const ended = await Promise.all(
      outs.map(({ url, out }) => run(work, 'sync', shared.key, url, '--out', out, '--json')),
    );
    for (const [i, { out }] of outs.entries()) {
      expect(ended[i]).toMatchObject({ code: 0, stderr: '' });
      expect(lastLine(ended[i]!)).toMatchObject({ event: 'done', downloaded: 11, bytes: content.length });
      expect(readFileSync(out).equals(content)).toBe(true);
    }
    // Several urls for one feed, mixed, of which one is wrong.
    const mixed = ['sync', shared.key, ws, 'ws://127.0.0.1:1', tcp, '--out', at('mixed')];
    expect(await run(work, ...mixed)).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(at('mixed')).equals(content)).toBe(true);
    shared.child.kill('SIGINT');
    expect((await shared.ended).code).toBe(130);
  });

  it('tells people the url for a page', async () => {
    const shared = start(work, ['share', file, '--ws', '0']);
    const text = await new Promise<string>((resolve) => {
      let said = '';
      shared.child.stdout!.on('data', (chunk: Buffer) => {
        said += chunk;
        if (said.includes('Serving until')) resolve(said);
      });
    });
    expect(text).toMatch(
      /sync [0-9a-f]{64} tcp:\S+ --out <file>\n\nIn a page, .*: ws:\/\/127\.0\.0\.1:\d+\n/,
    );
  });

  it('accepts the pages that --origin names, and tells of those that it does not', async () => {
    const shared = await share(work, file, '--ws', '0', '--origin', 'https://app.example');
    const [, ws] = urlsOf(shared.ready);
    for (const origin of [undefined, 'http://localhost:5173', 'https://app.example']) {
      expect(await outcome(ws, origin)).toBe('open');
    }
    expect(await outcome(ws, 'https://evil.example')).toBe('Unexpected server response: 403');
    for (;;) {
      const { error } = await shared.line('refused');
      if (/https:\/\/evil\.example may not connect: name it as an origin/.test(String(error))) break;
    }
    const response = await fetch(ws.replace('ws:', 'http:'));
    expect(await response.text()).toMatch(/^This is a Hypercore peer/);
  });

  it('a port in use, or one that cannot be had: 1, and the line names the option', async () => {
    const shared = await share(work, file, '--ws', '0');
    const [tcp, ws] = urlsOf(shared.ready).map((url) => new URL(url).port) as [string, string];
    for (const [option, port] of [
      ['--ws', ws],
      ['--tcp', tcp],
    ] as const) {
      const words = option === '--ws' ? ['--ws', port] : ['--tcp', port, '--ws', '0'];
      const ended = await run(work, 'share', file, ...words, '--json');
      expect(ended.code).toBe(1);
      expect(ended.stderr).toMatch(
        new RegExp(`port ${port} of 127.0.0.1 is in use: name another ${option} port`),
      );
      expect(lastLine(ended)).toMatchObject({ event: 'failed' });
    }
  });

  it('nothing listens, or something else does: 4', async () => {
    const http = (status: string): Promise<string> =>
      rawServer((socket) =>
        socket.once('data', () => socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`)),
      );
    const { ready, key } = await share(work, file, '--ws', '0');
    for (const [url, says] of [
      ['ws://127.0.0.1:1', /ws:\/\/127\.0\.0\.1:1: cannot connect .*ECONNREFUSED.*: check the url/],
      [await http('404 Not Found'), /Unexpected server response: 404/],
      [await rawServer((socket) => socket.once('data', () => socket.destroy())), /socket hang up/],
      [urlsOf(ready)[0], /Parse Error|socket hang up/],
    ] as const) {
      const words = ['sync', key, url.replace('tcp:', 'ws:'), '--out', at('none'), '--json', '--retry', '0'];
      const ended = await run(work, ...words);
      expect(ended.code).toBe(4);
      expect(ended.stderr).toMatch(/^hypercore-wire: [^\n]*\n$/);
      expect(ended.stderr).toMatch(says);
      expect(jsonLines(ended.stdout).map(({ event }) => event)).toEqual(['lost', 'failed']);
    }
    // The other way round: TCP to the port for WebSockets.
    const words = ['sync', key, urlsOf(ready)[1].replace('ws:', 'tcp:'), '--out', at('none')];
    const ended = await run(work, ...words);
    expect(ended.code).toBe(4);
    expect(ended.stderr).toMatch(/does not speak the Hypercore 6 protocol/);
  });
});

describe('a share that does not hold everything', () => {
  const blocks = Array.from({ length: 60 }, (_, i) => noise(2000 + i, `block ${i}`));

  it.each(['its key only', 'its first blocks'])(
    'of %s, offers over WebSocket what hypercore gives over TCP',
    { timeout: 120_000 },
    async (what) => {
      const writer = await openHypercore();
      await append(writer, blocks);
      const key = toHex(writer.key);
      const dir = at(`part: ${what}`);
      if (what === 'its key only') {
        mkdirSync(dir);
        writeFileSync(join(dir, 'key'), writer.key);
      } else {
        // Some of them come from another share, which is then gone.
        const full = at('full');
        const feed = await openHypercore({ folder: full, key: writer.key });
        const [ours, theirs] = [feed.replicate({ live: false }), writer.replicate({ live: false })];
        ours.pipe(theirs).pipe(ours);
        await promise((done) => feed.download({ start: 0, end: blocks.length }, done));
        await promise<void>((done) => feed.close(done));
        const first = await share(work, full);
        const words = ['sync', key, first.url, '--dir', dir, '--blocks', '0..20'];
        expect((await run(work, ...words)).code).toBe(0);
        first.child.kill('SIGINT');
        await first.ended;
      }
      const shared = await share(work, dir, '--ws', '0');
      const [tcp, ws] = urlsOf(shared.ready);
      // The client is there first, and waits for what nobody has yet.
      const client = start(work, ['sync', key, ws, '--dir', at(`copy: ${what}`), '--live', '--json']);
      await client.line('connected');
      const { hostname, port } = new URL(tcp);
      const socket = dialSocket(Number(port), hostname);
      const served = serve(socket, writer.replicate({ live: true }));
      for (let held = 0; held < blocks.length; held = Number((await client.line('progress')).held));
      // What is appended comes through too.
      await append(writer, [noise(500, 'more')]);
      for (let held = 0; held <= blocks.length; held = Number((await client.line('progress')).held));
      expect(await shared.line('downloaded')).toMatchObject({
        peer: expect.stringMatching(/^[0-9a-f]{16,}$/),
      });
      client.child.kill('SIGINT');
      expect((await client.ended).code).toBe(130);
      socket.destroy();
      await served;
      // And the share has it all itself now, for whoever comes later.
      const late = await run(work, 'sync', key, ws, '--out', at(`late: ${what}`));
      expect(late).toMatchObject({ code: 0, stderr: '' });
      expect(readFileSync(at(`late: ${what}`)).equals(Buffer.concat([...blocks, noise(500, 'more')]))).toBe(
        true,
      );
    },
  );
});
