/** What can be wrong with the peers: exit code 3 or 4, and one line. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { libsodium } from '../../src/crypto/libsodium.ts';
import { type Feed, toHex } from '../../src/index.ts';
import { feedOf, noise, rawServer, serve } from './peer.ts';
import { type Ended, jsonLines, lastLine, run, start, workFolder } from './run.ts';

const work = workFolder();
const blocks = Array.from({ length: 40 }, (_, i) => noise(1000 + i, `block ${i}`));
const content = Buffer.concat(blocks);
let count = 0;
const out = (): string => join(work, `out-${count++}`);

/** The one line that a command which fails leaves on stderr. */
function oneLine({ stderr }: Ended): string {
  expect(stderr).toMatch(/^hypercore-wire: [^\n]*\n$/);
  return stderr;
}

describe('sync and its peers', () => {
  it('nothing listens: 4, after the attempts that --retry says', async () => {
    const words = ['sync', 'ab'.repeat(32), 'tcp://127.0.0.1:1', '--out', out(), '--json'];
    const ended = await run(work, ...words, '--retry', '1');
    expect(ended.code).toBe(4);
    expect(oneLine(ended)).toMatch(/tcp:\/\/127\.0\.0\.1:1: .*ECONNREFUSED.*: check the address, and/);
    const events = ended.stdout.toString().match(/"event":"\w+"/g);
    expect(events).toEqual(['"event":"retry"', '"event":"lost"', '"event":"failed"']);
    expect(lastLine(ended)).toEqual({
      event: 'failed',
      length: 0,
      byteLength: 0,
      downloaded: 0,
      bytes: 0,
      seconds: expect.any(Number),
      error: expect.stringMatching(/ECONNREFUSED/),
    });
  });

  it('another protocol: 4, at once, without another attempt', async () => {
    const http = createServer((_, response) => response.end('hello'));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const { port } = http.address() as AddressInfo;
    const ssh = await rawServer((socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n'));
    for (const url of [`tcp://127.0.0.1:${port}`, ssh]) {
      const ended = await run(work, 'sync', 'ab'.repeat(32), url, '--out', out(), '--json');
      expect(ended.code).toBe(4);
      expect(oneLine(ended)).toMatch(
        url === ssh
          ? /does not speak the Hypercore 6 protocol.*Check the address and the port/
          : /does not speak the Hypercore 6 protocol.*it speaks HTTP\. Try ws:/,
      );
      const events = ended.stdout.toString().match(/"event":"\w+"/g);
      expect(events).toEqual(['"event":"lost"', '"event":"failed"']);
    }
    http.closeAllConnections();
    http.close();
  });

  it('our own bytes back: 4', async () => {
    const url = await rawServer((socket) => socket.on('data', (chunk) => socket.write(chunk)));
    const ended = await run(work, 'sync', 'ab'.repeat(32), url, '--out', out());
    expect(ended.code).toBe(4);
    expect(oneLine(ended)).toMatch(/our own/);
  });

  it('a wrong key, or a peer that holds another feed: 4, after the attempts, as it may be a cut', async () => {
    const url = await serve(await feedOf(blocks));
    const words = ['sync', 'ab'.repeat(32), url, '--out', out(), '--json', '--retry', '1'];
    const ended = await run(work, ...words);
    expect(ended.code).toBe(4);
    expect(oneLine(ended)).toMatch(/does not have this feed.*check the key/);
    expect(ended.stdout.toString().match(/"event":"retry"/g)).toHaveLength(1);
  });

  it('silence: 4, by the idle deadline', async () => {
    const url = await rawServer();
    const ended = await run(work, 'sync', 'ab'.repeat(32), url, '--out', out(), '--retry', '0');
    expect(ended.code).toBe(4);
    expect(oneLine(ended)).toMatch(/did not answer within 7.5 s/);
  });

  it('a range past the end: 4, and --out stays as it was', async () => {
    const feed = await feedOf(blocks);
    const url = await serve(feed);
    const place = out();
    writeFileSync(place, 'as it was');
    const ended = await run(work, 'sync', toHex(feed.key), url, '--out', place, '--blocks', '30..41');
    expect(ended.code).toBe(4);
    expect(oneLine(ended)).toMatch(/the feed has 40 blocks .* --blocks 30\.\.41 goes past its end/);
    expect(readFileSync(place, 'utf8')).toBe('as it was');
  });

  it('blocks that nobody has: 4', async () => {
    const feed = await feedOf(blocks);
    await feed.clear(10, 12);
    const ended = await run(work, 'sync', toHex(feed.key), await serve(feed), '--out', out());
    expect(ended.code).toBe(4);
    expect(oneLine(ended)).toMatch(/no peer has 2 of the 40 blocks/);
  });

  it('a lie: 3, and the line names block and peer', async () => {
    const feed = await feedOf(blocks, { liesAbout: [17] });
    const ended = await run(work, 'sync', toHex(feed.key), await serve(feed), '--out', out(), '--json');
    expect(ended.code).toBe(3);
    expect(oneLine(ended)).toMatch(/peer [0-9a-f]{16}: .*[bB]lock 17 /);
    expect(lastLine(ended)).toMatchObject({ event: 'failed', error: expect.stringMatching(/17/) });
  });

  it('one lies, one stalls, one is right: 0, and the bytes are', async () => {
    const keyPair = (await libsodium()).keyPair();
    const liar = await feedOf(blocks, { keyPair, liesAbout: [0, 5, 17, 39] });
    const honest: Feed = await feedOf(blocks, { keyPair });
    const urls = await Promise.all([serve(liar), rawServer(), serve(honest)]);
    const place = out();
    const ended = await run(work, 'sync', toHex(honest.key), ...urls, '--out', place, '--json');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(place).equals(content)).toBe(true);
    expect(lastLine(ended)).toMatchObject({ event: 'done', downloaded: 40, bytes: content.length });
    // Without waiting for the idle deadline of the one that stalls.
    const lost = jsonLines(ended.stdout).filter(({ event, url }) => event === 'lost' && url === urls[1]);
    expect(lost).toEqual([]);
  });

  it('a connection that is lost is made anew', async () => {
    const feed = await feedOf(blocks);
    const url = await serve(feed, (transport, attempt) => {
      if (attempt > 0) return false;
      // The first one is cut after a few bytes have gone out, inside a frame or behind one.
      const { sink } = transport;
      transport.sink = (chunks) =>
        sink(
          (async function* () {
            let left = 5000;
            for await (const chunk of chunks) {
              yield chunk.subarray(0, left);
              if ((left -= chunk.length) <= 0) return transport.abort();
            }
          })(),
        );
      return false;
    });
    const place = out();
    const ended = await run(work, 'sync', toHex(feed.key), url, '--out', place, '--json');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout.toString()).toMatch(/"event":"retry"/);
    expect(lastLine(ended)).toMatchObject({ event: 'done', downloaded: 40 });
    expect(readFileSync(place).equals(content)).toBe(true);
  });

  it('a live feed whose peer is gone for good: 4', async () => {
    const feed = await feedOf(blocks);
    const url = await serve(feed);
    const dir = join(work, 'orphan');
    const live = start(work, [
      'sync',
      toHex(feed.key),
      url,
      '--dir',
      dir,
      '--live',
      '--json',
      '--retry',
      '0',
    ]);
    await live.line('progress');
    await feed.close();
    expect((await live.ended).code).toBe(4);
  });
});
