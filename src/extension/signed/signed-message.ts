/** A signed message between its bytes and its parts: see proto/signed-ephemeral.proto. Nothing is verified here. */
import { statement } from '../../crypto/signer.ts';
import { read, required, sized, write } from '../../wire/protobuf.ts';
import {
  readSigned,
  readSignedBody,
  type SignedBody,
  writeSigned,
  writeSignedBody,
} from '../../wire/signed-ephemeral.ts';
import { OCTET_STREAM } from '../ephemeral.ts';
import { contexts, type Delegation, type Identity } from './identity.ts';

/** What the sender signs. */
export interface Body {
  /** 32 bytes, Ed25519. */
  readonly sender: Uint8Array;
  readonly epoch: number;
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** The identity that it is for, 32 bytes; `undefined`: everybody. */
  readonly audience?: Uint8Array | undefined;
  readonly contentType: string;
  readonly payload: Uint8Array;
  readonly delegation?: Delegation | undefined;
}

/** A message as it came. */
export interface Received {
  readonly body: Body;
  /** The body's bytes, which are what is signed. */
  readonly bytes: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
  readonly hops: number;
}

/** What a message signs: the feed's discovery key, and the body as it travels. */
export function messageStatement(name: Uint8Array, body: Uint8Array): Uint8Array {
  return statement(contexts.message, name, body);
}

/** Signs a body, for the feed with the discovery key `name`; gives the extension's payload. */
export function encodeMessage(identity: Identity, name: Uint8Array, hops: number, body: Body): Uint8Array {
  const { contentType, audience, delegation, ...rest } = body;
  const fields: SignedBody = { ...rest };
  if (contentType !== OCTET_STREAM) fields.contentType = contentType;
  if (audience !== undefined) fields.audience = audience;
  if (delegation !== undefined) fields.delegation = { ...delegation };
  const bytes = write(writeSignedBody, fields);
  return wrap(bytes, identity.sign(messageStatement(name, bytes)), hops);
}

/** The same message with another number of hops. */
export function wrap(body: Uint8Array, signature: Uint8Array, hops: number): Uint8Array {
  return write(writeSigned, { body, signature, hops });
}

/** Reads the extension's payload. @throws RangeError, Error for what breaks the schema. */
export function decodeMessage(packet: Uint8Array): Received {
  const { body, signature, hops = 0 } = read(readSigned, packet);
  const bytes = required('body', body);
  return {
    body: decodeBody(bytes),
    bytes,
    signature: sized('signature', required('signature', signature), 64),
    hops,
  };
}

function decodeBody(bytes: Uint8Array): Body {
  const { sender, epoch, sequence, timestamp, audience, contentType, payload, delegation } = read(
    readSignedBody,
    bytes,
  );
  return {
    sender: sized('sender', required('sender', sender), 32),
    epoch: required('epoch', epoch),
    sequence: required('sequence', sequence),
    timestamp: required('timestamp', timestamp),
    audience: audience && sized('audience', audience, 32),
    contentType: contentType ?? OCTET_STREAM,
    payload: required('payload', payload),
    delegation: delegation && {
      expires: required('delegation expires', delegation.expires),
      signature: sized('delegation signature', required('delegation signature', delegation.signature), 64),
    },
  };
}
