/**
 * A second reading of proto/dep-signed-ephemeral.md, as plain as can be: byte by byte, with Node's own Ed25519 and
 * noble's BLAKE2b, and nothing of the implementation. It judges one message after another, and keeps everything.
 */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { blake2b } from '@noble/hashes/blake2.js';

export type Bytes = Uint8Array;
const ascii = (text: string): Bytes => Uint8Array.from(text, (c) => c.charCodeAt(0));
export const cat = (...parts: Bytes[]): Bytes => new Uint8Array(Buffer.concat(parts));
const same = (a: Bytes, b: Bytes): boolean => Buffer.compare(a, b) === 0;

/** Ed25519 keys as DER, which is all that Node takes: a fixed head, then the 32 bytes. */
const publicKeyOf = (key: Bytes) =>
  createPublicKey({
    key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key]),
    format: 'der',
    type: 'spki',
  });
const privateKeyOf = (seed: Bytes) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
    format: 'der',
    type: 'pkcs8',
  });

export const publicKey = (seed: Bytes): Bytes =>
  new Uint8Array(createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' }).subarray(-32));
export const signed = (message: Bytes, seed: Bytes): Bytes =>
  new Uint8Array(sign(null, message, privateKeyOf(seed)));
const isSigned = (signature: Bytes, message: Bytes, key: Bytes): boolean => {
  try {
    return verify(null, message, publicKeyOf(key), signature);
  } catch {
    return false;
  }
};

export const discoveryKey = (key: Bytes): Bytes => blake2b(ascii('hypercore'), { dkLen: 32, key });

/** "The context": the name in ASCII and zeros, 64 bytes in all. */
export const context = (name: string): Bytes =>
  cat(ascii(`hypercore signed-ephemeral/1 ${name}`), new Uint8Array(64)).subarray(0, 64);
export const u64be = (value: number): Bytes =>
  Uint8Array.from({ length: 8 }, (_, i) => Number((BigInt(value) >> BigInt(56 - 8 * i)) & 255n));

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
const number = (field: number, value: number): Bytes => Uint8Array.from([field * 8, ...varint(value)]);
const bytes = (field: number, value: Bytes): Bytes =>
  Uint8Array.from([field * 8 + 2, ...varint(value.length), ...value]);

export interface TwinBody {
  sender: Bytes;
  epoch: number;
  sequence: number;
  timestamp: number;
  audience?: Bytes | undefined;
  contentType?: string | undefined;
  payload: Bytes;
  delegation?: { expires: number; signature: Bytes } | undefined;
}

export function writeBody(body: TwinBody): Bytes {
  return cat(
    bytes(1, body.sender),
    number(2, body.epoch),
    number(3, body.sequence),
    number(4, body.timestamp),
    ...(body.audience ? [bytes(5, body.audience)] : []),
    ...(body.contentType === undefined ? [] : [bytes(6, new Uint8Array(Buffer.from(body.contentType)))]),
    bytes(7, body.payload),
    ...(body.delegation
      ? [bytes(8, cat(number(1, body.delegation.expires), bytes(2, body.delegation.signature)))]
      : []),
  );
}

export const writeMessage = (body: Bytes, signature: Bytes, hops: number): Bytes =>
  cat(bytes(1, body), bytes(2, signature), number(3, hops));

/** A protobuf message as its fields, the last of each. */
function fieldsOf(message: Bytes): Map<number, number | Bytes> {
  const fields = new Map<number, number | Bytes>();
  let at = 0;
  const next = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined || shift > 63n) throw new Error('cut off');
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) break;
    }
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error('too large');
    return Number(value);
  };
  while (at < message.length) {
    const tag = next();
    if (tag % 8 === 0) fields.set(Math.floor(tag / 8), next());
    else if (tag % 8 === 2) {
      const length = next();
      if (at + length > message.length) throw new Error('cut off');
      fields.set(Math.floor(tag / 8), message.slice(at, (at += length)));
    } else throw new Error('not used here');
  }
  return fields;
}

function field<T extends 'number' | 'bytes'>(
  fields: Map<number, number | Bytes>,
  no: number,
  _kind: T,
  length?: number,
): T extends 'number' ? number : Bytes {
  const value = fields.get(no);
  if (value === undefined) throw new Error(`no field ${no}`);
  if (length !== undefined && (value as Bytes).length !== length)
    throw new Error(`field ${no} has another length`);
  return value as never;
}

export interface TwinAnswer {
  verdict: string;
  role?: string;
  payload?: Bytes;
  audience?: string;
  skipped?: number;
}

/** The receiver of the text, with a memory that never forgets, and no rates. */
export class Twin {
  readonly key: Bytes;
  readonly own: Bytes;
  readonly ownEpoch: number;
  readonly skewMs: number;
  readonly last = new Map<string, { epoch: number; sequence: number }>();

  constructor(options: { key: Bytes; own: Bytes; ownEpoch: number; skewMs?: number }) {
    this.key = options.key;
    this.own = options.own;
    this.ownEpoch = options.ownEpoch;
    this.skewMs = options.skewMs ?? 120_000;
  }

  judge(packet: Bytes, now: number): TwinAnswer {
    const refuse = (verdict: string): TwinAnswer => ({ verdict });
    let body: Bytes;
    let signature: Bytes;
    let parts: Map<number, number | Bytes>;
    let delegation: Map<number, number | Bytes> | undefined;
    let sender: Bytes, payload: Bytes;
    let epoch: number, sequence: number, timestamp: number;
    try {
      const outer = fieldsOf(packet);
      body = field(outer, 1, 'bytes');
      signature = field(outer, 2, 'bytes', 64);
      parts = fieldsOf(body);
      sender = field(parts, 1, 'bytes', 32);
      epoch = field(parts, 2, 'number');
      sequence = field(parts, 3, 'number');
      timestamp = field(parts, 4, 'number');
      if (parts.has(5)) field(parts, 5, 'bytes', 32);
      payload = field(parts, 7, 'bytes');
      if (parts.has(8)) {
        delegation = fieldsOf(field(parts, 8, 'bytes'));
        field(delegation, 1, 'number');
        field(delegation, 2, 'bytes', 64);
      }
    } catch {
      return refuse('malformed');
    }
    if (payload.length > 2048) return refuse('too-large');
    if (same(sender, this.own) && epoch <= this.ownEpoch) return refuse('reflected');
    if (timestamp < now - this.skewMs) return refuse('expired');
    if (timestamp > now + this.skewMs) return refuse('future');
    const id = Buffer.from(sender).toString('hex');
    const last = this.last.get(id);
    if (last && (epoch < last.epoch || (epoch === last.epoch && sequence <= last.sequence)))
      return refuse('replayed');
    const name = discoveryKey(this.key);
    if (!isSigned(signature, cat(context('message'), name, body), sender)) return refuse('forged');
    let role = 'reader';
    if (same(sender, this.key)) role = 'author';
    else if (delegation) {
      const expires = field(delegation, 1, 'number');
      if (expires < now || expires < timestamp) return refuse('delegation-expired');
      const stated = cat(context('delegation'), name, sender, u64be(expires));
      if (!isSigned(field(delegation, 2, 'bytes'), stated, this.key)) return refuse('forged-delegation');
      role = 'delegate';
    }
    if (same(sender, this.own)) return refuse('superseded');
    this.last.set(id, { epoch, sequence });
    const skipped = last?.epoch === epoch ? sequence - last.sequence - 1 : 0;
    const to = parts.get(5) as Bytes | undefined;
    const audience = to === undefined ? 'everybody' : same(to, this.own) ? 'me' : 'another';
    return { verdict: 'accepted', role, payload, audience, skipped };
  }
}

/** The seed of a lasting identity. */
export const derive = (secret: Bytes, name: Bytes): Bytes =>
  blake2b(cat(context('identity'), name), { dkLen: 32, key: secret });
