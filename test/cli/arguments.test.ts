import { describe, expect, it } from 'vitest';
import { parseCommand } from '../../src/cli/arguments.ts';
import { CommandError } from '../../src/cli/exit.ts';

const key = 'ab'.repeat(32);
const url = 'tcp://127.0.0.1:3282';

/** Every word that makes no sense, and what the message has to say about it. */
const bad: readonly (readonly [words: string[], says: RegExp])[] = [
  [[], /a command is needed/],
  [['bogus'], /no command "bogus", only share, sync and inspect/],
  [['inspect'], /inspect needs a capture, or --listen <url> and --to <url>/],
  [['inspect', 'a', 'b'], /one capture, got 2/],
  [['inspect', 'a', '--listen', 'tcp://127.0.0.1:0', '--to', url], /got both/],
  [['inspect', '--listen', 'tcp://127.0.0.1:0'], /go together/],
  [['inspect', '--to', url], /go together/],
  [['inspect', '--listen', 'wss://127.0.0.1:0', '--to', url], /--listen is tcp:\/\/host:port or ws/],
  [['inspect', '--listen', 'tcp://127.0.0.1', '--to', url], /--listen is .* got "tcp:\/\/127.0.0.1"/],
  [['inspect', '--listen', 'tcp://127.0.0.1:70000', '--to', url], /from 0 to 65535, got "70000"/],
  [['inspect', '--listen', 'tcp://127.0.0.1:0', '--to', 'http://a'], /a url is tcp/],
  [['inspect', 'a', '--save', 'b'], /--save .* with these/],
  [['inspect', 'a', '--origin', 'https://a.example'], /--origin .* with --listen/],
  // A key is not repeated: it may be all but one character of the right one.
  [
    ['inspect', 'a', '--key', key.slice(1)],
    /^--key is 64 hex characters, or a dat:\/\/ link that contains them$/,
  ],
  [['inspect', 'a', '--type', 'data,bogus'], /--type is any of feed, .*unreadable, got "bogus"/],
  [['inspect', 'a', '--channel', 'x'], /--channel is a whole number/],
  [['inspect', 'a', '--stream', '0'], /--stream is a whole number from 1/],
  [['inspect', 'a', '--direction', 'up'], /--direction is out, .* got "up"/],
  [['inspect', 'a', '--bogus'], /see hypercore-wire inspect --help/],
  [['share'], /share needs a file/],
  [['share', ''], /share needs a file/],
  [['share', 'a', 'b'], /one file or folder, got 2/],
  [['share', 'a', '--tcp', 'x'], /--tcp is a whole number from 0 to 65535, got "x"/],
  [['share', 'a', '--tcp', '65536'], /--tcp .* got "65536"/],
  [['share', 'a', '--tcp', '-1'], /--tcp/],
  [['share', 'a', '--tcp', '1e3'], /--tcp .* got "1e3"/],
  [['share', 'a', '--tcp', ''], /--tcp .* got ""/],
  [['share', 'a', '--tcp'], /--tcp/],
  [['share', 'a', '--host', ''], /--host needs an address/],
  [['share', 'a', '--dir', ''], /--dir needs a folder/],
  [['share', 'a', '--ws', 'x'], /--ws is a whole number from 0 to 65535, got "x"/],
  [['share', 'a', '--ws'], /--ws/],
  [['share', 'a', '--origin', 'https://a.example'], /use it with --ws/],
  [['share', 'a', '--ws', '0', '--origin', 'a.example'], /--origin is where a page comes from.*"a.example"/],
  [['share', 'a', '--ws', '0', '--origin', 'https://a.example/path'], /--origin is where/],
  [['share', 'a', '--ws', '0', '--origin', 'https://me@a.example'], /--origin is where/],
  [['share', 'a', '--ws', '0', '--origin', 'https://'], /--origin is where/],
  [['share', 'a', '--ws', '0', '--origin', ''], /--origin is where/],
  [['share', 'a', '--bogus', '0'], /Unknown option '--bogus' \(see hypercore-wire share --help\)/],
  [['share', 'a', '--out', 'b'], /--out/],
  [['sync'], /sync needs a key and a url/],
  [['sync', key, '--dir', 'd'], /sync needs the url of a peer/],
  [['sync', key, url], /--dir <folder>, --out <file>, or both/],
  [['sync', 'abc', url, '--dir', 'd'], /64 hex characters, or a dat:\/\/ link that contains them, got "abc"/],
  [['sync', key.slice(1), url, '--dir', 'd'], /64 hex/],
  [['sync', `${key}0`, url, '--dir', 'd'], /64 hex/],
  [['sync', `z${key.slice(1)}`, url, '--dir', 'd'], /64 hex/],
  [['sync', 'dat://example.org', url, '--dir', 'd'], /64 hex/],
  [['sync', url, key, '--dir', 'd'], /64 hex/],
  [['sync', key, 'ws://', '--dir', 'd'], /a url is tcp/],
  [['sync', key, 'ws:127.0.0.1:1', '--dir', 'd'], /a url is tcp/],
  [['sync', key, 'ws://127.0.0.1:0', '--dir', 'd'], /from 1 to 65535, got "0"/],
  [['sync', key, 'ws://127.0.0.1:65536', '--dir', 'd'], /a url is tcp/],
  [['sync', key, 'ws://127.0.0.1:1/#there', '--dir', 'd'], /a url is tcp/],
  [['sync', key, 'wsss://a.example', '--dir', 'd'], /a url is tcp/],
  [['sync', key, '127.0.0.1:3282', '--dir', 'd'], /a url is tcp:\/\/host:port, ws:.* got "127.0.0.1:3282"/],
  [['sync', key, 'http://127.0.0.1:3282', '--dir', 'd'], /a url is tcp/],
  [['sync', key, 'tcp://127.0.0.1', '--dir', 'd'], /a url is tcp/],
  [['sync', key, 'tcp://:3282', '--dir', 'd'], /a url is tcp/],
  [['sync', key, 'tcp://127.0.0.1:0', '--dir', 'd'], /from 1 to 65535, got "0"/],
  [['sync', key, 'tcp://127.0.0.1:65536', '--dir', 'd'], /a url is tcp/],
  [['sync', key, 'tcp://127.0.0.1:1/path', '--dir', 'd'], /a url is tcp/],
  [['sync', key, 'tcp://me@127.0.0.1:1', '--dir', 'd'], /a url is tcp/],
  [['sync', key, 'tcp://127.0.0.1:1?x', '--dir', 'd'], /a url is tcp/],
  [['sync', key, url, 'tcp://', '--dir', 'd'], /a url is tcp/],
  [['sync', key, url, '--dir', 'd', '--blocks', '5..2'], /a must be less than b, got "5..2"/],
  [['sync', key, url, '--dir', 'd', '--blocks', '5..5'], /a must be less than b/],
  [['sync', key, url, '--dir', 'd', '--blocks', '5'], /--blocks is a..b/],
  [['sync', key, url, '--dir', 'd', '--blocks', '..5'], /--blocks is a..b/],
  [['sync', key, url, '--dir', 'd', '--blocks', '5..'], /--blocks is a..b/],
  [['sync', key, url, '--dir', 'd', '--blocks', '-1..5'], /--blocks/],
  [['sync', key, url, '--dir', 'd', '--blocks=-1..5'], /--blocks is a..b/],
  [['sync', key, url, '--dir', 'd', '--blocks', '0x1..5'], /--blocks is a..b/],
  [['sync', key, url, '--dir', 'd', '--blocks', '0..9999999999999999'], /--blocks is a..b/],
  [['sync', key, url, '--dir', 'd', '--retry', 'x'], /--retry is a whole number/],
  [['sync', key, url, '--dir', 'd', '--retry=-1'], /--retry is a whole number/],
  [['sync', key, url, '--dir', 'd', '--retry', '1.5'], /--retry is a whole number/],
  [['sync', key, url, '--out', 'f', '--live'], /use --live with --dir/],
  [['sync', key, url, '--dir', 'd', '--out', ''], /--out needs a file/],
  [['sync', key, url, '--dir', 'd', '--bogus'], /'--bogus'/],
  [['sync', key, url, '--dir', 'd', '--tcp', '1'], /'--tcp'/],
];

describe('the words of a command line', () => {
  it.each(bad)('%j is a usage error', (words, says) => {
    let thrown: unknown;
    try {
      parseCommand(words);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(CommandError);
    const { exit, message } = thrown as CommandError;
    expect(exit).toBe(2);
    expect(message).toMatch(says);
    expect(message).not.toContain('\n');
  });

  it('share, with its defaults and without', () => {
    expect(parseCommand(['share', './file'])).toEqual({
      name: 'share',
      path: './file',
      dir: undefined,
      tcp: 0,
      ws: undefined,
      origins: [],
      host: '127.0.0.1',
      json: false,
    });
    expect(
      parseCommand(['share', '--tcp', '3282', 'file', '--dir=d', '--host', '0.0.0.0', '--json']),
    ).toMatchObject({ name: 'share', path: 'file', dir: 'd', tcp: 3282, host: '0.0.0.0', json: true });
    const origins = ['https://App.example:443/', 'http://a.example:8080', 'null', '*', 'app-scheme://ID'];
    expect(
      parseCommand(['share', 'file', '--ws', '8080', ...origins.flatMap((origin) => ['--origin', origin])]),
    ).toMatchObject({
      tcp: 0,
      ws: 8080,
      origins: ['https://app.example', 'http://a.example:8080', 'null', '*', 'app-scheme://id'],
    });
  });

  it('sync, with its defaults and without', () => {
    expect(parseCommand(['sync', key, url, '--dir', 'd'])).toEqual({
      name: 'sync',
      key,
      urls: [{ scheme: 'tcp', text: url, host: '127.0.0.1', port: 3282 }],
      dir: 'd',
      out: undefined,
      blocks: undefined,
      live: false,
      retry: 3,
      json: false,
    });
    expect(
      parseCommand([
        'sync',
        `dat://${key.toUpperCase()}/some/path`,
        ...['tcp://[::1]:80', 'tcp://peer.example:1/', url, url],
        ...['ws://127.0.0.1:80', 'wss://me@peer.example/path?query'],
        ...['--out', '-', '--blocks', '0..10', '--retry', '0', '--json'],
      ]),
    ).toMatchObject({
      key,
      urls: [
        { host: '::1', port: 80 },
        { host: 'peer.example', port: 1 },
        { host: '127.0.0.1', port: 3282 },
        { scheme: 'ws', text: 'ws://127.0.0.1:80' },
        { scheme: 'ws', text: 'wss://me@peer.example/path?query' },
      ],
      out: '-',
      blocks: { start: 0, end: 10 },
      retry: 0,
      json: true,
    });
  });

  it('inspect, with its defaults and without', () => {
    const all = {
      types: undefined,
      channel: undefined,
      direction: undefined,
      connection: undefined,
      bytes: false,
    };
    expect(parseCommand(['inspect', 'a.pcap'])).toEqual({
      name: 'inspect',
      source: { capture: 'a.pcap' },
      keys: [],
      show: all,
      json: false,
    });
    const words = [
      'inspect',
      '--listen',
      'ws://[::1]:0',
      '--to',
      'wss://a.example',
      '--save',
      's',
      '--bytes',
      '--json',
    ];
    const shown = [
      '--type',
      'data,Have',
      '--type',
      'want',
      '--channel',
      '1',
      '--direction',
      'in',
      '--stream',
      '2',
    ];
    expect(
      parseCommand([...words, ...shown, '--origin', '*', '--key', key, '--key', `dat://${key}`]),
    ).toEqual({
      name: 'inspect',
      source: {
        listen: { scheme: 'ws', host: '::1', port: 0 },
        to: { scheme: 'ws', text: 'wss://a.example' },
        origins: ['*'],
        save: 's',
      },
      keys: [Buffer.from(key, 'hex'), Buffer.from(key, 'hex')].map((bytes) => new Uint8Array(bytes)),
      show: {
        types: new Set(['data', 'have', 'want']),
        channel: 1,
        direction: 'in',
        connection: 2,
        bytes: true,
      },
      json: true,
    });
  });

  it('help and version', () => {
    expect(parseCommand(['--help'])).toEqual({ name: 'help', about: undefined });
    expect(parseCommand(['-h'])).toEqual({ name: 'help', about: undefined });
    expect(parseCommand(['help', 'sync'])).toEqual({ name: 'help', about: 'sync' });
    expect(parseCommand(['share', '--help'])).toEqual({ name: 'help', about: 'share' });
    expect(parseCommand(['sync', '-h'])).toEqual({ name: 'help', about: 'sync' });
    expect(parseCommand(['--version'])).toEqual({ name: 'version' });
  });
});
