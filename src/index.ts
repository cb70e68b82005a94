/** `hypercore-wire`: the front door. Importing it has no side effect. */
export type { Channel, ChannelMessage, ChannelSendable, Consumer } from './channel.ts';
export { parseKey, toHex } from './crypto/hex.ts';
export type { CryptoProvider, KeyPair } from './crypto/provider.ts';
export type { CloseReason } from './ending.ts';
export { ProtocolError, type ProtocolErrorCode, StorageError, type StorageErrorCode } from './errors.ts';
export * from './feed/index.ts';
export { defaultLimits, type Limits } from './limits.ts';
export type { ConnectOptions, KeyLookup } from './options.ts';
export type { Remote } from './remote.ts';
export { connect, type Session } from './session.ts';
export { memoryStorage } from './storage/memory.ts';
export type { Clock } from './stream/clock.ts';
export { memoryPair } from './stream/memory.ts';
export type { AbortSignalLike, Transport } from './stream/transport.ts';
export type { TraceEvent, TraceListener } from './trace.ts';
