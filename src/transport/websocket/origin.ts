/** Whose pages may connect. A browser lets any page open a WebSocket to anywhere, and tells the server whose it is. */

/** This machine's own names, which no page from elsewhere has. */
const LOCAL = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/**
 * Whether a server should accept a connection with this `Origin` header. One without is no page's, and is
 * accepted; so is a page that this machine serves, on any port. `origins` names more, as in
 * `https://app.example`; `*` is everybody.
 */
export function acceptsOrigin(origin: string | null | undefined, origins: readonly string[] = []): boolean {
  if (origin === undefined || origin === null) return true;
  if (origins.includes('*') || origins.includes(origin)) return true;
  const [, host] = /^https?:\/\/(\[[^\]]*\]|[^:/]*)(?::\d+)?$/.exec(origin) ?? [];
  return host !== undefined && LOCAL.test(host);
}
