/**
 * `hypercore-wire`: the front door. Importing it has no side effect.
 *
 * @module hypercore-wire
 */

export * from './connections/index.ts';
export { parseKey, toHex } from './crypto/hex.ts';
export type { CryptoProvider, KeyPair } from './crypto/provider.ts';
export type { Signer } from './crypto/signer.ts';
export { ProtocolError, type ProtocolErrorCode, StorageError, type StorageErrorCode } from './errors.ts';
export * from './feed/index.ts';
export { defaultLimits, type Limits } from './limits.ts';
export type {
  Channel,
  ChannelMessage,
  ChannelSendable,
  Consumer,
  NamedExtension,
} from './session/channel.ts';
export type { CloseReason } from './session/ending.ts';
export type { ExtensionHandler } from './session/extension-handlers.ts';
export type { ConnectOptions, ExtensionLike, KeyLookup } from './session/options.ts';
export type { Made, Produce } from './session/outbox.ts';
export type { Remote } from './session/remote.ts';
export { connect, type Session } from './session/session.ts';
export { type MemoryFile, type MemoryStorage, memoryStorage } from './storage/memory.ts';
export type { PlatformAbortSignal } from './stream/abort.ts';
export type { Clock } from './stream/clock.ts';
export { type LimitedTransport, limited, type RateLimits } from './stream/limited.ts';
export type { MaybePromise } from './stream/stage.ts';
export type { AbortSignalLike, Transport } from './stream/transport.ts';
export type {
  Measured,
  TraceDirection,
  TracedBytes,
  TracedFault,
  TracedFrame,
  TracedMessage,
  TracedState,
  TracedWarning,
  TraceEvent,
  TraceListener,
  TraceOptions,
} from './trace.ts';
export { memoryPair } from './transport/memory.ts';
export type {
  Cancel,
  Data,
  DataNode,
  Extension,
  // `Feed` is the feed itself here.
  Feed as FeedMessage,
  Handshake,
  Have,
  Info,
  Keepalive,
  Message,
  Request,
  Sendable,
  Unassigned,
  Unhave,
  Unreadable,
  Unwant,
  Want,
} from './wire/messages.ts';
