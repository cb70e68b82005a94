/**
 * `hypercore-wire/extension`: what peers say beside a feed, stored nowhere.
 *
 * @module hypercore-wire/extension
 */

export { libsodiumSealing } from '../crypto/libsodium-sealing.ts';
export type { AgreementKeyPair, SealingProvider } from '../crypto/sealing.ts';
export { type Signer, signer, statement } from '../crypto/signer.ts';
export type { Allow } from './allow.ts';
export { type Codec, json, type ProtobufType, protobuf, raw } from './codec.ts';
export {
  Ephemeral,
  type EphemeralContent,
  type EphemeralEvent,
  type EphemeralMessage,
  type EphemeralOptions,
} from './ephemeral.ts';
export {
  ChannelExtension,
  type ExtensionDropReason,
  type ExtensionEvent,
  type ExtensionOptions,
  SessionExtension,
} from './extension.ts';
export type { RoomEvent, Writer } from './room/events.ts';
export type { Member } from './room/members.ts';
export { Room, type RoomOptions } from './room/room.ts';
export type { SealedRefusalReason } from './sealed/sealed-link.ts';
export {
  type SealedEvent,
  type SealedMessage,
  SealedMessages,
  type SealedMessagesOptions,
  type SealedPeer,
} from './sealed/sealed-messages.ts';
export { SessionData, type SessionDataEvent, type SessionDataMessage } from './session-data.ts';
export {
  createIdentity,
  type DelegateOptions,
  type Delegation,
  delegate,
  type Identity,
  type IdentityOptions,
} from './signed/identity.ts';
export { defaultSignedLimits, type SignedLimits } from './signed/limits.ts';
export type { RefusalReason, SignedMessage } from './signed/receiver.ts';
export {
  type SignedContent,
  type SignedEvent,
  SignedMessages,
  type SignedMessagesOptions,
  type SignedStats,
} from './signed/signed-messages.ts';
export type { MessageRate } from './token-bucket.ts';
export type { Role, Sender, Unverified, Verified } from './verified.ts';
