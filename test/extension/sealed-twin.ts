/**
 * A second reading of proto/dep-sealed-ephemeral.md: Node's own X25519 and Ed25519, noble's BLAKE2b and
 * XChaCha20-Poly1305, and nothing of the implementation.
 */
import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { blake2b } from '@noble/hashes/blake2.js';
import { type Bytes, cat, signed, u64be } from './signed-twin.ts';

const ascii = (text: string): Bytes => Uint8Array.from(text, (c) => c.charCodeAt(0));
const context = (name: string): Bytes =>
  cat(ascii(`hypercore sealed-ephemeral/1 ${name}`), new Uint8Array(64)).subarray(0, 64);
const hash = (message: Bytes, key?: Bytes): Bytes => blake2b(message, { dkLen: 32, ...(key && { key }) });

const privateKey = (secret: Bytes) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), secret]),
    format: 'der',
    type: 'pkcs8',
  });
const publicKey = (key: Bytes) =>
  createPublicKey({
    key: Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), key]),
    format: 'der',
    type: 'spki',
  });
export const agreementKey = (secret: Bytes): Bytes =>
  new Uint8Array(createPublicKey(privateKey(secret)).export({ format: 'der', type: 'spki' }).subarray(-32));

export const end = (nonce: Bytes, id: Bytes): Bytes => cat(nonce, hash(id));
const less = (a: Bytes, b: Bytes): boolean => Buffer.compare(a, b) < 0;
export const binding = (name: Bytes, a: Bytes, b: Bytes): Bytes =>
  hash(cat(context('binding'), name, less(a, b) ? a : b, less(a, b) ? b : a));

/** A field of bytes under 128 long. */
const short = (no: number, bytes: Bytes): Bytes => cat(Uint8Array.of(no * 8 + 2, bytes.length), bytes);

export const hello = (identity: Bytes, key: Bytes): Bytes => cat(short(1, identity), short(2, key));
export function helloPacket(seed: Bytes, bound: Bytes, own: Bytes, said: Bytes): Bytes {
  return cat(short(1, said), short(2, signed(cat(context('hello'), bound, own, said), seed)));
}

export interface Side {
  readonly end: Bytes;
  readonly hello: Bytes;
}

/** The key for what `from` sends, as `secret` and the other's `key` give it. */
export function directionKey(secret: Bytes, key: Bytes, bound: Bytes, a: Side, b: Side, from: Bytes): Bytes {
  const shared = diffieHellman({ privateKey: privateKey(secret), publicKey: publicKey(key) });
  const [lesser, greater] = less(a.end, b.end) ? [a, b] : [b, a];
  return hash(
    cat(context('key'), bound, hash(lesser.hello), hash(greater.hello), from),
    new Uint8Array(shared),
  );
}

/** A box, as a payload: the content is an `Ephemeral` in bytes. */
export function box(key: Bytes, counter: number, content: Bytes): Bytes {
  let size = 256;
  while (size < content.length + 1) size *= 4;
  const padded = new Uint8Array(size);
  padded.set(content);
  padded[content.length] = 0x80;
  const sealed = xchacha20poly1305(key, cat(new Uint8Array(16), u64be(counter))).encrypt(padded);
  const length = [(sealed.length % 128) | 128, Math.floor(sealed.length / 128)];
  return cat(Uint8Array.of(3 * 8, counter, 4 * 8 + 2, ...length), sealed);
}
