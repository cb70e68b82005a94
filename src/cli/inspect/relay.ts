/** Sits between two peers: passes every byte on as it is, and reads along. */
import type { Transport } from '../../index.ts';
import type { Direction } from '../../inspect/index.ts';
import { reasonOf } from '../exit.ts';

/** Who reads along. */
export interface RelayHost {
  /** Bytes that are about to pass on; they are not changed. Waits where this machine cannot keep up. */
  onBytes(direction: Direction, bytes: Uint8Array): Promise<void>;
  /** A side has ended; not where it was cut off here. */
  onEnd(direction: Direction, error: string | undefined): void;
}

/**
 * Passes on what each of the two sends, until both have ended or the signal aborts. Takes more from the one only when
 * the other has taken what came before, and ends each direction when its sender does. Never rejects; when it has
 * resolved, the host is told nothing more.
 */
export async function relay(
  client: Transport,
  peer: Transport,
  host: RelayHost,
  signal: AbortSignal,
): Promise<void> {
  let isCut = false;
  const ended = new Set<Direction>();
  const cut = (reason?: unknown): void => {
    isCut = true;
    client.abort(reason);
    peer.abort(reason);
  };
  const end = (direction: Direction, error?: unknown): void => {
    if (isCut || ended.has(direction)) return;
    ended.add(direction);
    host.onEnd(direction, error === undefined ? undefined : reasonOf(error));
  };
  async function* passing(
    direction: Direction,
    { source }: Transport,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const bytes of source) {
        if (isCut) return;
        await host.onBytes(direction, bytes);
        yield bytes;
      }
      end(direction);
    } catch (error) {
      end(direction, error);
      throw error;
    }
  }
  /** What cannot be passed on any more: either its sender has failed, which was told, or the receiver is gone. */
  const pass = (direction: Direction, from: Transport, to: Transport): Promise<void> =>
    to.sink(passing(direction, from)).catch((error: unknown) => {
      if (!ended.has(direction)) end(direction === 'out' ? 'in' : 'out', error);
      cut(error);
    });
  const onAbort = (): void => cut(signal.reason);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  await Promise.all([pass('out', client, peer), pass('in', peer, client)]);
  signal.removeEventListener('abort', onAbort);
  cut();
}
