/** From the words behind `inspect` to what it is to read and to show. */
import { parseArgs } from 'node:util';
import { type Message, parseKey } from '../../index.ts';
import { typeCodes } from '../../wire/codec.ts';
import { usageError } from '../exit.ts';
import {
  MAX_PORT,
  notEmpty,
  originOf,
  type PeerUrl,
  parseCount,
  parseUrl,
  parseWords,
  quoted,
} from '../words.ts';

/** Read what two peers say to each other: from a file, or from in between. */
export interface InspectCommand {
  readonly name: 'inspect';
  /** A capture file, `-` for stdin; or between which two to sit. */
  readonly source: { readonly capture: string } | RelaySource;
  /** Bytes; never shown. */
  readonly keys: readonly Uint8Array[];
  readonly show: Shown;
  readonly json: boolean;
}

/** Sit between who connects to `listen` and the peer at `to`. */
export interface RelaySource {
  readonly listen: { readonly scheme: 'tcp' | 'ws'; readonly host: string; readonly port: number };
  readonly to: PeerUrl;
  readonly origins: readonly string[];
  /** A file for a capture of it all. */
  readonly save: string | undefined;
}

/** What of it to show; `undefined` for all. */
export interface Shown {
  readonly types: ReadonlySet<Message['type']> | undefined;
  readonly channel: number | undefined;
  readonly direction: 'out' | 'in' | undefined;
  readonly connection: number | undefined;
  /** With the bytes of every field. */
  readonly bytes: boolean;
}

const inspectOptions = {
  key: { type: 'string', multiple: true },
  listen: { type: 'string' },
  to: { type: 'string' },
  origin: { type: 'string', multiple: true },
  save: { type: 'string' },
  type: { type: 'string', multiple: true },
  channel: { type: 'string' },
  direction: { type: 'string' },
  stream: { type: 'string' },
  bytes: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** @throws CommandError with the usage code. */
export function parseInspect(words: string[]): InspectCommand | { name: 'help'; about: 'inspect' } {
  const { values, positionals } = parseWords('inspect', () =>
    parseArgs({ args: words, options: inspectOptions, allowPositionals: true }),
  );
  if (values.help) return { name: 'help', about: 'inspect' };
  const [capture, ...more] = positionals;
  const { listen, to, save, origin: origins = [], key: keys = [], channel, direction, stream } = values;
  if (more.length > 0) throw usageError(`inspect takes one capture, got ${positionals.length}`);
  if (listen === undefined && to === undefined) {
    if (capture === undefined || capture === '')
      throw usageError('inspect needs a capture, or --listen <url> and --to <url> to sit between two peers');
    if (save !== undefined)
      throw usageError('--save keeps what goes between --listen and --to: use it with these');
    if (origins.length > 0)
      throw usageError('--origin is about pages that connect: use it with --listen ws://…');
  } else if (listen === undefined || to === undefined) {
    throw usageError(
      '--listen <url> and --to <url> go together: whoever connects to the one talks to the other',
    );
  } else if (capture !== undefined) {
    throw usageError(`inspect reads a capture, or sits between --listen and --to, got both`);
  }
  if (direction !== undefined && direction !== 'out' && direction !== 'in') {
    throw usageError(`--direction is out, from the side that connected, or in, got ${quoted(direction)}`);
  }
  return {
    name: 'inspect',
    source:
      listen === undefined
        ? { capture: capture! }
        : {
            listen: parseListen(listen),
            to: parseUrl(to!),
            origins: origins.map(originOf),
            save: notEmpty('--save', 'a file', save),
          },
    keys: keys.map(secretKey),
    show: {
      types: values.type === undefined ? undefined : parseTypes(values.type),
      channel: channel === undefined ? undefined : parseCount('--channel', channel, 0, 1_000_000),
      direction,
      connection: stream === undefined ? undefined : parseCount('--stream', stream, 1, 1_000_000),
      bytes: values.bytes ?? false,
    },
    json: values.json ?? false,
  };
}

/** Says nothing of what came: it may be all but one character of a key. */
function secretKey(word: string): Uint8Array {
  try {
    return parseKey(word);
  } catch {
    throw usageError('--key is 64 hex characters, or a dat:// link that contains them');
  }
}

function parseListen(text: string): RelaySource['listen'] {
  const [, scheme, host, port] =
    /^(tcp|ws):\/\/(\[[0-9a-f:.%]+\]|[^\s:/?#@]+):(\d{1,5})\/?$/i.exec(text) ?? [];
  if (scheme === undefined || host === undefined || port === undefined) {
    throw usageError(
      `--listen is tcp://host:port or ws://host:port, with port 0 for a free one, got ${quoted(text)}`,
    );
  }
  return {
    scheme: scheme.toLowerCase() as 'tcp' | 'ws',
    host: host.replace(/^\[|\]$/g, ''),
    port: parseCount(`the port of ${quoted(text)}`, port, 0, MAX_PORT),
  };
}

const messageTypes: readonly Message['type'][] = [
  ...(Object.keys(typeCodes) as (keyof typeof typeCodes)[]),
  'keepalive',
  'unassigned',
  'unreadable',
];

function parseTypes(lists: readonly string[]): ReadonlySet<Message['type']> {
  const names = lists.flatMap((list) => list.split(',')).map((name) => name.trim().toLowerCase());
  return new Set(
    names.map((name) => {
      const known = messageTypes.find((type) => type === name);
      if (known === undefined)
        throw usageError(`--type is any of ${messageTypes.join(', ')}, got ${quoted(name)}`);
      return known;
    }),
  );
}
