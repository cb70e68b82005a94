/** From the words of a command line to a command, or to a usage error that says what was expected. */

import { parseArgs } from 'node:util';
import { parseKey, toHex } from '../index.ts';
import { reasonOf, usageError } from './exit.ts';

export type CommandName = 'share' | 'sync';

/** A peer's address as the person wrote it, and its parts. */
export interface PeerUrl {
  readonly text: string;
  readonly host: string;
  readonly port: number;
}

/** Serve a file or the feed in a folder. */
export interface ShareCommand {
  readonly name: 'share';
  readonly path: string;
  readonly dir: string | undefined;
  /** 0 for a free port. */
  readonly port: number;
  readonly host: string;
  readonly json: boolean;
}

/** Blocks from `start` up to, and without, `end`. */
export interface BlockRange {
  readonly start: number;
  readonly end: number;
}

/** Download a feed. At least one of `dir` and `out` is there. */
export interface SyncCommand {
  readonly name: 'sync';
  /** Lower-case hex. */
  readonly key: string;
  readonly urls: readonly PeerUrl[];
  readonly dir: string | undefined;
  /** `-` is stdout. */
  readonly out: string | undefined;
  readonly blocks: BlockRange | undefined;
  readonly live: boolean;
  /** Attempts after the first, a url. */
  readonly retry: number;
  readonly json: boolean;
}

export type Command =
  | ShareCommand
  | SyncCommand
  | { readonly name: 'help'; readonly about: CommandName | undefined }
  | { readonly name: 'version' };

/**
 * Reads the words after the program's name.
 * @throws CommandError with the usage code.
 */
export function parseCommand(words: readonly string[]): Command {
  const [name, ...rest] = words;
  switch (name) {
    case 'share':
      return parseShare(rest);
    case 'sync':
      return parseSync(rest);
    case 'help':
    case '-h':
    case '--help':
      return { name: 'help', about: rest[0] === 'share' || rest[0] === 'sync' ? rest[0] : undefined };
    case '-v':
    case '--version':
      return { name: 'version' };
    case undefined:
      throw usageError('a command is needed: share or sync (see hypercore-wire --help)');
    default:
      throw usageError(
        `there is no command ${quoted(name)}, only share and sync (see hypercore-wire --help)`,
      );
  }
}

const shareOptions = {
  dir: { type: 'string' },
  tcp: { type: 'string' },
  host: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function parseShare(words: string[]): Command {
  const { values, positionals } = parseWords('share', () =>
    parseArgs({ args: words, options: shareOptions, allowPositionals: true }),
  );
  if (values.help) return { name: 'help', about: 'share' };
  const [path, ...more] = positionals;
  if (path === undefined || path === '')
    throw usageError('share needs a file, or the folder of a feed: hypercore-wire share <file>');
  if (more.length > 0) throw usageError(`share takes one file or folder, got ${positionals.length}`);
  return {
    name: 'share',
    path,
    dir: notEmpty('--dir', 'a folder', values.dir),
    port: values.tcp === undefined ? 0 : parsePort('--tcp', values.tcp, 0),
    host: notEmpty('--host', 'an address', values.host) ?? '127.0.0.1',
    json: values.json ?? false,
  };
}

const syncOptions = {
  dir: { type: 'string' },
  out: { type: 'string' },
  blocks: { type: 'string' },
  live: { type: 'boolean' },
  retry: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

function parseSync(words: string[]): Command {
  const { values, positionals } = parseWords('sync', () =>
    parseArgs({ args: words, options: syncOptions, allowPositionals: true }),
  );
  if (values.help) return { name: 'help', about: 'sync' };
  const [key, ...urls] = positionals;
  if (key === undefined) throw usageError('sync needs a key and a url: hypercore-wire sync <key> <url>');
  const keyHex = parseKeyWord(key);
  if (urls.length === 0) throw usageError('sync needs the url of a peer after the key: tcp://host:port');
  const dir = notEmpty('--dir', 'a folder', values.dir);
  const out = notEmpty('--out', 'a file, or - for stdout', values.out);
  if (dir === undefined && out === undefined) {
    throw usageError('sync needs a place for what it downloads: --dir <folder>, --out <file>, or both');
  }
  const live = values.live ?? false;
  if (live && out !== undefined)
    throw usageError('--live never ends, and --out is only written at the end: use --live with --dir');
  return {
    name: 'sync',
    key: keyHex,
    urls: [...new Map(urls.map((url) => [url, parseUrl(url)])).values()],
    dir,
    out,
    blocks: values.blocks === undefined ? undefined : parseBlocks(values.blocks),
    live,
    retry: values.retry === undefined ? 3 : parseCount('--retry', values.retry, 0, 1_000_000),
    json: values.json ?? false,
  };
}

/** `parseArgs` throws a TypeError of several lines or sentences; ours has one. */
function parseWords<T>(command: CommandName, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw usageError(`${reasonOf(error).replace(/\.( .*)?$/, '')} (see hypercore-wire ${command} --help)`);
  }
}

function notEmpty(option: string, expected: string, value: string | undefined): string | undefined {
  if (value === '') throw usageError(`${option} needs ${expected}, got nothing`);
  return value;
}

function parseKeyWord(word: string): string {
  try {
    return toHex(parseKey(word));
  } catch {
    throw usageError(
      `the key is 64 hex characters, or a dat:// link that contains them, got ${quoted(word)}`,
    );
  }
}

function parseUrl(text: string): PeerUrl {
  if (/^wss?:/i.test(text))
    throw usageError(`only tcp:// urls are supported, as in tcp://host:port, got ${quoted(text)}`);
  const malformed = usageError(`a url is tcp://host:port, got ${quoted(text)}`);
  if (!/^tcp:\/\//i.test(text)) throw malformed;
  let url: URL;
  try {
    // As http, for its strict rules on hosts: those of an unknown scheme let nearly everything pass.
    url = new URL(text.replace(/^tcp:/i, 'http:'));
  } catch {
    throw malformed;
  }
  const { pathname, search, hash, username, password } = url;
  // A port of 80 is the default of http, and so not told apart from none.
  const port = url.port || (/:0*80\/?$/.test(text) ? '80' : '');
  if (pathname !== '/' || search || hash || username || password || port === '') throw malformed;
  return { text, host: url.hostname.replace(/^\[|\]$/g, ''), port: parsePort(quoted(text), port, 1) };
}

function parsePort(name: string, text: string, min: number): number {
  return parseCount(name === '--tcp' ? name : `the port of ${name}`, text, min, 65_535);
}

function parseCount(name: string, text: string, min: number, max: number): number {
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= min && count <= max) return count;
  throw usageError(`${name} is a whole number from ${min} to ${max}, got ${quoted(text)}`);
}

function parseBlocks(text: string): BlockRange {
  const [, a, b] = /^(\d{1,16})\.\.(\d{1,16})$/.exec(text) ?? [];
  const start = Number(a);
  const end = Number(b);
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end)) {
    throw usageError(`--blocks is a..b in whole numbers, as in 0..10, got ${quoted(text)}`);
  }
  if (start >= end)
    throw usageError(
      `--blocks a..b starts at a and stops before b, so a must be less than b, got ${quoted(text)}`,
    );
  return { start, end };
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

const shareUsage = `hypercore-wire share <file | folder of a feed> [options]

  Puts a file into a new feed, in blocks of 64 KiB, and serves it to anyone who knows the key.
  Or serves the feed that is in a folder. Runs until Ctrl-C.

  --dir <folder>    keep the new feed of a file here (default: a temporary folder, removed at the end)
  --tcp <port>      listen on this port (default 0: a free one)
  --host <address>  listen on this address (default 127.0.0.1: this machine only)
  --json            one JSON object per line on stdout; the first is {"event":"ready",…}

  hypercore-wire share ./talk.mp4
  hypercore-wire share ./talk.mp4 --dir ./talk-feed --tcp 3282 --host 0.0.0.0
  hypercore-wire share ./talk-feed
`;

const syncUsage = `hypercore-wire sync <key> <url>... [options]

  Downloads a feed from one or several peers, verifies every block against the key, and stores it.
  Continues where an earlier run stopped.

  <key>             64 hex characters, or a dat:// link
  <url>             tcp://host:port
  --dir <folder>    keep the feed here, in hypercore 7's own layout
  --out <file>      write the feed's bytes here once all are verified; - is stdout
                    (one of --dir and --out, or both)
  --blocks <a>..<b> only blocks a to b, without b itself: 0..10 is the first ten
  --live            keep downloading what the feed's owner appends, until Ctrl-C
  --retry <n>       connect again to a url that fails, up to n times (default 3, 0 for none)
  --json            one JSON object per line on stdout (on stderr with --out -); the last is
                    {"event":"done" | "failed",…}

  hypercore-wire sync <key> tcp://127.0.0.1:3282 --out talk.mp4
  hypercore-wire sync <key> tcp://10.0.0.5:3282 tcp://10.0.0.9:3282 --dir ./talk-feed
  hypercore-wire sync <key> tcp://127.0.0.1:3282 --blocks 0..10 --out - | head

  Exit codes: 0 everything is verified and stored; 1 this machine failed (disk, permission,
  folder); 2 usage; 3 a proof failed and no other peer had the right block; 4 no peer could be
  reached, or none has the feed or the blocks; 130 interrupted.
`;

const overview = `hypercore-wire: Hypercore feeds, verified, from peer to peer

  hypercore-wire share <file | folder of a feed>     serve a file, or a feed
  hypercore-wire sync <key> <url>... --out <file>    download and verify one

  hypercore-wire <command> --help                    options and examples
  hypercore-wire --version

  hypercore-wire share ./talk.mp4
  hypercore-wire sync <key> tcp://127.0.0.1:3282 --out talk.mp4
`;

/** The usage of a command, or the overview. */
export function usage(command?: CommandName): string {
  if (command === undefined) return overview;
  return { share: shareUsage, sync: syncUsage }[command];
}
