/** What the end of a WebSocket says, both ways: close codes and errors, in words that say what to do. */
import { ProtocolError } from '../../errors.ts';

/** Done, going away (a page that is left), and closed without a code. */
const PROPER_CODES: readonly unknown[] = [1000, 1001, 1005];
/** The first of those that are free for applications. */
const ABORTED = 4000;

/** What only another key mends. A remote that says so in its close spares us from asking again and again. */
const KEY_FAULTS = {
  'unknown-feed': 'the remote does not have this feed',
  'wrong-feed': 'the remote opened another feed first',
} as const;

/** How to close: properly, or because of a fault. */
export function closeOf(fault: unknown): [code: number, reason: string] {
  if (fault === undefined) return [1000, ''];
  return [ABORTED, fault instanceof ProtocolError ? fault.code : 'aborted'];
}

/** What a close event tells of; `undefined` where the remote has closed properly. */
export function faultOfClose({
  code,
  reason,
}: {
  code?: number;
  reason?: string;
}): ProtocolError | undefined {
  if (PROPER_CODES.includes(code)) return undefined;
  if (code === ABORTED && (reason === 'unknown-feed' || reason === 'wrong-feed'))
    return new ProtocolError(reason, `${KEY_FAULTS[reason]}: check the key`);
  const why = [code === 1006 ? 'without a word' : code, inOneLine(reason ?? '')].filter(Boolean).join(', ');
  return new ProtocolError('transport', `the WebSocket was closed (${why}): reconnect`);
}

/** What an error event tells of. A page's says nothing. */
export function faultOfError(event: object): ProtocolError {
  const cause = causeOf(event);
  if (cause instanceof Error && 'code' in cause && cause.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
    return new ProtocolError(
      'transport-overflow',
      'the remote sent a message over the cap of the WebSocket: check that it is a Hypercore 6 peer, or raise the cap',
      { cause },
    );
  }
  return new ProtocolError('transport', `the WebSocket failed${reasonOf(event)}: reconnect`, { cause });
}

/** The reason of an error event in parentheses, where it tells one. */
export function reasonOf(event: object): string {
  const cause = causeOf(event);
  const reason = cause instanceof Error ? cause.message : (event as { message?: unknown }).message;
  return typeof reason === 'string' && reason !== '' ? ` (${inOneLine(reason)})` : '';
}

/** OpenSSL ends its messages with a line break, and what comes after it is easily lost. */
function inOneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

/** The error of an error event, where it carries one. */
export function causeOf(event: object): unknown {
  return (event as { error?: unknown }).error ?? undefined;
}

/** What came instead of bytes: text, or something that the socket was set to behind our back. */
export function notBinary(data: unknown): ProtocolError | TypeError {
  if (typeof data === 'string') {
    return new ProtocolError(
      'dialect',
      'the remote sent text, where the protocol is binary: check that the url is that of a Hypercore 6 peer',
    );
  }
  return new TypeError('"binaryType" of a WebSocket in use expected to stay "arraybuffer"');
}
