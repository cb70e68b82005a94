/** How a command ends: the closed set of exit codes, and which error leads to which. */

import { ProtocolError, type ProtocolErrorCode, StorageError, type StorageErrorCode } from '../index.ts';
import { fault } from '../storage/node/fault.ts';

/** What the shell is told. */
export const exitCodes = {
  /** All wanted blocks are verified and stored. */
  ok: 0,
  /** This machine failed: disk, permission, a folder that is locked, foreign or of another feed. */
  machine: 1,
  /** The command line makes no sense. */
  usage: 2,
  /** A proof failed, and no other peer had it right. */
  verification: 3,
  /** No peer could be reached, holds the key or has the blocks. */
  peers: 4,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The end of a command: one line for the person, one code for the shell. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exit: ExitCode;

  constructor(exit: ExitCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exit = exit;
  }
}

/** A command line that makes no sense; `message` names what was expected and what came. */
export function usageError(message: string): CommandError {
  return new CommandError(exitCodes.usage, message);
}

/** The end by Ctrl-C. */
export function interrupted(): CommandError {
  return new CommandError(exitCodes.interrupted, 'interrupted');
}

/** What each fault of a peer means here: the exit code, and whether dialing again can help. */
const faults: Readonly<Record<ProtocolErrorCode, { readonly exit: 3 | 4; readonly again: boolean }>> = {
  // A connection that was cut or garbled on its way may be whole the next time.
  'frame-too-large': { exit: 4, again: true },
  truncated: { exit: 4, again: true },
  'bad-header': { exit: 4, again: true },
  'bad-message': { exit: 4, again: true },
  'too-many-channels': { exit: 4, again: true },
  'unopened-channel': { exit: 4, again: true },
  'unopened-flood': { exit: 4, again: true },
  'request-flood': { exit: 4, again: true },
  'have-flood': { exit: 4, again: true },
  'transport-overflow': { exit: 4, again: true },
  timeout: { exit: 4, again: true },
  transport: { exit: 4, again: true },
  // Whoever answers there answers the same again.
  dialect: { exit: 4, again: false },
  encryption: { exit: 4, again: false },
  echo: { exit: 4, again: false },
  'wrong-feed': { exit: 4, again: false },
  'unknown-feed': { exit: 4, again: false },
  refused: { exit: 4, again: false },
  'no-feed': { exit: 4, again: false },
  verification: { exit: 3, again: false },
  fork: { exit: 3, again: false },
};

/** The exit code that a fault of a peer leads to where no other peer makes up for it. */
export function exitOf(error: ProtocolError): 3 | 4 {
  return faults[error.code].exit;
}

/** Whether dialing the same url again can help. */
export function worthAnotherTry(error: ProtocolError): boolean {
  return faults[error.code].again;
}

/** What the command line adds to what a fault's own message says to do. */
const peerAdvice: Readonly<Partial<Record<ProtocolErrorCode, string>>> = {
  transport: 'check the url, and that a peer runs there',
  refused: 'check the key, or add the url of another peer',
  'unknown-feed': 'check the key, or add the url of another peer',
  verification: 'add the url of another peer',
  fork: 'ask whoever writes this feed',
};

/** What a url's peer did wrong, and what to do, in one line. */
export function peerReason(url: string, error: ProtocolError): string {
  const said = peerAdvice[error.code];
  return `${url}: ${firstLine(error)}${said === undefined ? '' : `: ${said}`}`;
}

/** What the command line adds to what the storage says of a folder. */
const advice: Readonly<Partial<Record<StorageErrorCode, string>>> = {
  'other-feed': 'holds another feed, and was left as it is: check the key, or name another folder',
  missing: 'holds no feed: name the folder of one (with the files "key", "tree", …), or a file to share',
  occupied: 'holds a feed already: share that folder itself, or name an empty one with --dir',
};

/** Why `place`, a file or folder, will not do, in one line that says what to do. */
export function machineError(place: string, error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  const known = fault(error, place);
  const said = advice[known.code];
  const message = said === undefined ? firstLine(known) : `${place} ${said}`;
  return new CommandError(exitCodes.machine, message, error);
}

/** Whatever a command threw, as its end. */
export function asCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (error instanceof ProtocolError) return new CommandError(exitOf(error), firstLine(error), error);
  if (error instanceof StorageError) return machineError('the folder', error);
  return new CommandError(exitCodes.machine, firstLine(error), error);
}

/** The message without its `[code]`, and without what would make it more than one line. */
export function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .split('\n', 1)[0]!
    .replace(/^\[[\w-]+\] /, '')
    .trim();
}
