/**
 * `hypercore-wire/stream`: stages, transports and what an adapter is built from.
 *
 * @module hypercore-wire/stream
 */
export type { Clock } from './clock.ts';
export { systemClock } from './clock.ts';
export { type LimitedTransport, limited, type RateLimits } from './limited.ts';
export { ByteQueue, queueCost } from './queue.ts';
export type { Machine, MaybePromise, Stage } from './stage.ts';
export { pipe, stage } from './stage.ts';
export type { AbortSignalLike, Transport } from './transport.ts';
