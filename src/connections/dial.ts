import { ProtocolError } from '../errors.ts';
import { aborter, type PlatformAbortSignal } from '../stream/abort.ts';
import { abortable } from '../stream/abortable.ts';
import type { Clock } from '../stream/clock.ts';
import { type AbortSignalLike, isTransport, type Transport } from '../stream/transport.ts';

/** Connects; should stop when the signal aborts, which is the platform's own and so fit for `fetch`. */
export type Dial = (signal: PlatformAbortSignal) => Promise<Transport>;

/**
 * What `dial` gives, if it does within `ms` and before `stop` aborts. A transport that comes later is aborted.
 * @throws ProtocolError `timeout`; the reason of `stop`; what `dial` throws.
 */
export async function dialWithin(
  dial: Dial,
  ms: number,
  clock: Clock,
  stop: AbortSignalLike,
): Promise<Transport> {
  const attempt = aborter();
  const onStop = (): void => attempt.abort(stop.reason);
  const cancel = clock.after(ms, () =>
    attempt.abort(new ProtocolError('timeout', `nothing answered within ${ms / 1000} s`)),
  );
  stop.addEventListener('abort', onStop);
  const dialing = Promise.resolve(attempt.signal).then(dial);
  try {
    if (stop.aborted) onStop();
    return await abortable(dialing, attempt.signal);
  } catch (error) {
    dialing.then(
      (late) => isTransport(late) && late.abort(error),
      () => {},
    );
    throw error;
  } finally {
    cancel();
    stop.removeEventListener('abort', onStop);
  }
}
