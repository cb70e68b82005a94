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

/** The exit code for a fault of a peer, if no other peer makes up for it. */
export function exitOf({ code }: ProtocolError): 3 | 4 {
  return code === 'verification' || code === 'fork' ? exitCodes.verification : exitCodes.peers;
}

/** What the command line adds to what a fault's own message says to do. */
const peerAdvice: Readonly<Partial<Record<ProtocolErrorCode, string>>> = {
  refused: ', or add the url of another peer',
  'unknown-feed': ', or add the url of another peer',
  verification: ': add the url of another peer',
  fork: ': ask whoever writes this feed',
};

/** What a url's peer did wrong, and what to do, in one line. */
export function peerReason(url: string, error: ProtocolError): string {
  return `${url}: ${reasonOf(error)}${peerAdvice[error.code] ?? ''}`;
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
  const message = said === undefined ? reasonOf(known) : `${place} ${said}`;
  return new CommandError(exitCodes.machine, message, error);
}

/** Whatever a command threw, as its end. */
export function asCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (error instanceof ProtocolError) return new CommandError(exitOf(error), reasonOf(error), error);
  if (error instanceof StorageError) return machineError('the folder', error);
  return new CommandError(exitCodes.machine, reasonOf(error), error);
}

/** What an error says, in one line. */
export function reasonOf(error: unknown): string {
  if (error instanceof ProtocolError || error instanceof StorageError) return firstLine(error.reason);
  return firstLine(error instanceof Error ? error.message : String(error));
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.trim();
}
