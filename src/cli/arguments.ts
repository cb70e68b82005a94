/** From the words of a command line to a command, or to a usage error that says what was expected. */

import { parseArgs } from 'node:util';
import { parseKey, toHex } from '../index.ts';
import { usageError } from './exit.ts';
import { type InspectCommand, parseInspect } from './inspect/arguments.ts';
import {
  MAX_PORT,
  notEmpty,
  originOf,
  type PeerUrl,
  parseCount,
  parseUrl,
  parseWords,
  quoted,
} from './words.ts';

export type CommandName = 'share' | 'sync' | 'inspect';

const commandNames: readonly CommandName[] = ['share', 'sync', 'inspect'];

/** Serve a file or the feed in a folder. */
export interface ShareCommand {
  readonly name: 'share';
  readonly path: string;
  readonly dir: string | undefined;
  /** Ports, 0 for a free one. No `ws`, no WebSockets. */
  readonly tcp: number;
  readonly ws: number | undefined;
  /** Whose pages may connect, beside this machine's. */
  readonly origins: readonly string[];
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
  | InspectCommand
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
    case 'inspect':
      return parseInspect(rest);
    case 'help':
    case '-h':
    case '--help':
      return { name: 'help', about: commandNames.find((known) => known === rest[0]) };
    case '-v':
    case '--version':
      return { name: 'version' };
    case undefined:
      throw usageError('a command is needed: share, sync or inspect (see hypercore-wire --help)');
    default:
      throw usageError(
        `there is no command ${quoted(name)}, only share, sync and inspect (see hypercore-wire --help)`,
      );
  }
}

const shareOptions = {
  dir: { type: 'string' },
  tcp: { type: 'string' },
  ws: { type: 'string' },
  origin: { type: 'string', multiple: true },
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
  const { ws, origin: origins = [] } = values;
  if (origins.length > 0 && ws === undefined)
    throw usageError('--origin is about pages, which come over WebSocket: use it with --ws <port>');
  return {
    name: 'share',
    path,
    dir: notEmpty('--dir', 'a folder', values.dir),
    tcp: values.tcp === undefined ? 0 : parseCount('--tcp', values.tcp, 0, MAX_PORT),
    ws: ws === undefined ? undefined : parseCount('--ws', ws, 0, MAX_PORT),
    origins: origins.map(originOf),
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

function parseKeyWord(word: string): string {
  try {
    return toHex(parseKey(word));
  } catch {
    throw usageError(
      `the key is 64 hex characters, or a dat:// link that contains them, got ${quoted(word)}`,
    );
  }
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
