/** Whose pages may connect. A browser lets any page open a WebSocket to anywhere, and tells the server whose it is. */
import { describe } from '../../errors.ts';

/** This machine's own names, which no page from elsewhere has. */
const LOCAL = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/**
 * Whether a server should accept a connection with this `Origin` header. One without is no page's, and is
 * accepted; so is a page that this machine serves, on any port. `origins` names more, as in
 * `https://app.example`; `*` is everybody.
 * @throws TypeError, RangeError for invalid `origins`.
 */
export function acceptsOrigin(origin: string | null | undefined, origins: readonly string[] = []): boolean {
  const accepted = parseOrigins(origins);
  if (origin === undefined || origin === null) return true;
  if (accepted.includes('*') || accepted.includes(origin)) return true;
  const [, host] = /^https?:\/\/(\[[^\]]*\]|[^:/]*)(?::\d+)?$/.exec(origin) ?? [];
  return host !== undefined && LOCAL.test(host);
}

/** Each as a browser writes it. @throws TypeError unless it is a list; TypeError, RangeError for what is no origin. */
export function parseOrigins(origins: readonly string[]): string[] {
  // A string has `includes` too, which would let in whose origin is a part of it.
  if (!Array.isArray(origins))
    throw new TypeError(
      `"origins" expected a list, as in ['https://app.example'], or ['*'] for all, got ${describe(origins)}`,
    );
  return origins.map(parseOrigin);
}

/** As a browser writes it; `*` is everybody, `null` pages of no origin. @throws TypeError, RangeError for all else. */
export function parseOrigin(text: string): string {
  if (text === '*' || text === 'null') return text;
  const expected = `"origins" expected where pages come from, as in https://app.example (no path), or * for all, got ${describe(text)}`;
  if (typeof text !== 'string') throw new TypeError(expected);
  const [, origin] = /^([a-z][a-z\d+.-]*:\/\/[^/?#@\s]+)\/?$/i.exec(text) ?? [];
  const known = origin === undefined ? undefined : originOf(origin);
  if (origin === undefined || known === undefined) throw new RangeError(expected);
  // A scheme that `URL` does not know, such as an extension's.
  return known === 'null' ? origin.toLowerCase() : known;
}

function originOf(url: string): string | undefined {
  const { URL } = globalThis as unknown as { URL: new (url: string) => { readonly origin: string } };
  try {
    return new URL(url).origin;
  } catch {
    return undefined;
  }
}
