/**
 * A connection of Deno by its methods, as a pair of streams. Its own streams close the whole connection as soon
 * as one of them ends.
 */
import type { WebStreams } from '../web-streams.ts';

/** The part of a `Deno.Conn` that is used. */
export interface DenoConn {
  /** How many bytes came, at the buffer's start; `null` once the remote has ended. */
  read(buffer: Uint8Array<ArrayBuffer>): Promise<number | null>;
  write(bytes: Uint8Array<ArrayBuffer>): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

/** Bytes that one read takes at most. */
const READ_BYTES = 65_536;

export function isDenoConn(streams: object): streams is DenoConn {
  return 'closeWrite' in streams && 'read' in streams && 'write' in streams;
}

/** Reader and writer of it; it is closed when both have let go. */
export function denoStreams(conn: DenoConn): WebStreams {
  let locks = 2;
  const close = async (): Promise<void> => {
    try {
      conn.close();
    } catch {
      // It was closed before: Deno throws then.
    }
  };
  const releaseLock = (): void => {
    locks--;
    if (locks === 0) void close();
  };
  return {
    readable: {
      getReader: () => ({
        async read() {
          const buffer = new Uint8Array(READ_BYTES);
          const count = await conn.read(buffer);
          return count === null ? { done: true } : { done: false, value: buffer.subarray(0, count) };
        },
        cancel: close,
        releaseLock,
      }),
    },
    writable: {
      getWriter: () => ({
        closed: new Promise<void>(() => {}),
        async write(chunk: Uint8Array<ArrayBuffer>) {
          for (let start = 0; start < chunk.byteLength; ) start += await conn.write(chunk.subarray(start));
        },
        close: () => conn.closeWrite(),
        abort: close,
        releaseLock,
      }),
    },
  };
}
