/** What a capture holds, in whichever format: connections, and the bytes that went over them. */
import type { Direction } from '../events.ts';

/** A connection, counted from 1 in the order in which they begin. */
export interface OfConnection {
  readonly connection: number;
  /** Milliseconds since the capture began. */
  readonly time: number;
}

/** One thing in a capture, told apart by `type`. */
export type CaptureEvent =
  /** A connection begins: `from` has connected to `to`, as far as the capture says. */
  | (OfConnection & {
      readonly type: 'connection';
      readonly from: string | undefined;
      readonly to: string | undefined;
    })
  /** Bytes of one direction, in order and each once. They are the event's own. */
  | (OfConnection & { readonly type: 'bytes'; readonly direction: Direction; readonly bytes: Uint8Array })
  /** Bytes of one direction that the capture does not have. */
  | (OfConnection & { readonly type: 'missing'; readonly direction: Direction; readonly byteLength: number })
  /** A direction has ended; `error` says why where that was not proper. */
  | (OfConnection & {
      readonly type: 'end';
      readonly direction: Direction;
      readonly error: string | undefined;
    })
  /** Something in the file that could not be read, and was passed over. */
  | { readonly type: 'note'; readonly text: string };

/** Takes the events as they come. */
export type CaptureListener = (event: CaptureEvent) => void;

/** Reads one format, in any chunking. Whatever the bytes are, it does not throw for them. */
export interface CaptureFormat {
  push(chunk: Uint8Array): void;
  /** The file has ended. */
  end(): void;
}
