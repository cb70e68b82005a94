/** The words that several commands share, each with a usage error that says what was expected. */
import { parseOrigin } from '../transport/websocket/origin.ts';
import { reasonOf, usageError } from './exit.ts';

/** A peer's address as the person wrote it, and the parts of one that is dialed by its parts. */
export type PeerUrl =
  | { readonly scheme: 'tcp'; readonly text: string; readonly host: string; readonly port: number }
  | { readonly scheme: 'ws'; readonly text: string };

/** `parseArgs` throws a TypeError of several lines or sentences; ours has one. */
export function parseWords<T>(command: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw usageError(`${reasonOf(error).replace(/\.( .*)?$/, '')} (see hypercore-wire ${command} --help)`);
  }
}

export function notEmpty(option: string, expected: string, value: string | undefined): string | undefined {
  if (value === '') throw usageError(`${option} needs ${expected}, got nothing`);
  return value;
}

export const MAX_PORT = 65_535;

export function parseUrl(text: string): PeerUrl {
  const malformed = usageError(
    `a url is tcp://host:port, ws://host:port or wss://host:port, got ${quoted(text)}`,
  );
  const [, scheme] = /^(tcp|wss?):\/\//i.exec(text) ?? [];
  if (scheme === undefined) throw malformed;
  const isTcp = /^tcp$/i.test(scheme);
  let url: URL;
  try {
    // TCP as http, for its strict rules on hosts: those of an unknown scheme let nearly everything pass.
    url = new URL(isTcp ? text.replace(/^tcp:/i, 'http:') : text);
  } catch {
    throw malformed;
  }
  const { pathname, search, hash, username, password } = url;
  if (hash !== '') throw malformed;
  // A port of 80 is the default of http, and so not told apart from none.
  const port = url.port || (/:0*80\/?$/.test(text) ? '80' : '');
  if (port !== '') parseCount(`the port of ${quoted(text)}`, port, 1, MAX_PORT);
  if (!isTcp) return { scheme: 'ws', text };
  if (pathname !== '/' || search || username || password || port === '') throw malformed;
  return { scheme: 'tcp', text, host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
}

export function originOf(text: string): string {
  try {
    return parseOrigin(text);
  } catch {
    throw usageError(
      `--origin is where a page comes from, as in https://app.example, or * for anywhere, got ${quoted(text)}`,
    );
  }
}

export function parseCount(name: string, text: string, min: number, max: number): number {
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= min && count <= max) return count;
  throw usageError(`${name} is a whole number from ${min} to ${max}, got ${quoted(text)}`);
}

export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
