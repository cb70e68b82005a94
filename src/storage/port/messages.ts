/**
 * What is said over ports. To a worker that serves storages: open a folder for whoever has the other end of
 * this port, or serve another port as well. Over a folder's own port: a first message of the worker, with the
 * name of its life, then calls, several in one message, and one message with their answers, in the same order.
 */
import type { FileName } from '../../feed/storage.ts';
import type { PortLike } from './port.ts';
import type { SentError } from './sent-error.ts';

/** Said to a worker, which may get messages of the app as well: by this name ours are told apart. */
export interface DoorMessage {
  readonly 'hypercore-wire storage': 'open' | 'serve';
  readonly port: PortLike;
  /** To open. */
  readonly folder?: string;
  /** Of whoever opens, see `life.ts`. */
  readonly life?: string | undefined;
}

export function isDoorMessage(data: unknown): data is DoorMessage {
  const { 'hypercore-wire storage': what, port } = (data ?? {}) as Partial<DoorMessage>;
  return (what === 'open' || what === 'serve') && typeof port?.addEventListener === 'function';
}

export type Call =
  /** The first one, and the last. */
  | { readonly call: 'open' | 'close' }
  | { readonly call: 'size' | 'flush'; readonly file: FileName }
  | {
      readonly call: 'read' | 'discard';
      readonly file: FileName;
      readonly offset: number;
      readonly length: number;
    }
  | { readonly call: 'write'; readonly file: FileName; readonly offset: number; readonly bytes: Uint8Array };

export type Answer = { readonly value: unknown } | { readonly error: SentError };

/** Bytes of an array from which on moving it is cheaper than copying it. */
const TRANSFER_BYTES = 4096;

/** The buffers that go along without a copy. Each of `arrays` spans its buffer, and is the sender's to give away. */
export function transferable(arrays: readonly Uint8Array[]): ArrayBufferLike[] {
  return arrays.filter(({ byteLength }) => byteLength >= TRANSFER_BYTES).map(({ buffer }) => buffer);
}
