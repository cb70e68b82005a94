/** What every crypto provider has to do, over all; and that they decide alike. */
import { Point } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { concat } from 'uint8arrays/concat';
import { describe, expect, it, vi } from 'vitest';
import { discoveryKey } from '../../src/crypto/discovery-key.ts';
import { libsodium } from '../../src/crypto/libsodium.ts';
import { native as loadNative } from '../../src/crypto/native.ts';
import { noble } from '../../src/crypto/noble.ts';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { XSalsa20 } from '../../src/crypto/xsalsa20.ts';
import { connect } from '../../src/session/session.ts';
import { memoryPair } from '../../src/transport/memory.ts';
import { hex, unhex, v6 } from '../vectors/index.ts';

const sodium = await libsodium();
/** `undefined` where it is not installed: what is skipped then is named in the output. */
const native = await loadNative().catch(() => undefined);
const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** RFC 8032, 7.1: secret key, public key, message, signature. */
const rfc8032 = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
] as const;

const providers: [string, CryptoProvider][] = [
  ['libsodium', sodium],
  ['noble', noble],
];
if (native !== undefined) providers.push(['native', native]);

describe.each(providers)('the provider %s', (_name, crypto) => {
  it('hashes with BLAKE2b-256, in any parts', () => {
    // RFC 7693's message, hashed to 32 bytes.
    const abc = 'bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319';
    expect(hex(crypto.blake2b([text('abc')]))).toBe(abc);
    expect(hex(crypto.blake2b([text('a'), text(''), text('bc')]))).toBe(abc);
    expect(hex(crypto.blake2b([]))).toBe('0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8');
  });

  it('makes the discovery keys of hypercore', () => {
    for (const known of v6.discoveryKeys) {
      expect(hex(discoveryKey(crypto, unhex(known.key)))).toBe(known.discoveryKey);
    }
  });

  it('signs as RFC 8032 says', async () => {
    for (const [seed, publicKey, message, signature] of rfc8032) {
      const pair = crypto.keyPair(unhex(seed));
      expect(hex(pair.publicKey)).toBe(publicKey);
      expect(hex(pair.secretKey)).toBe(seed + publicKey);
      expect(hex(crypto.sign(unhex(message), pair.secretKey))).toBe(signature);
      expect(await crypto.verify(unhex(signature), unhex(message), unhex(publicKey))).toBe(true);
    }
  });

  it('makes a fresh pair each time, from fresh bytes', async () => {
    const [one, other] = [crypto.keyPair(), crypto.keyPair()];
    expect(one.publicKey).not.toEqual(other.publicKey);
    expect(one.secretKey.byteLength).toBe(64);
    expect(await crypto.verify(crypto.sign(text('m'), one.secretKey), text('m'), one.publicKey)).toBe(true);
    expect(await crypto.verify(crypto.sign(text('m'), one.secretKey), text('m'), other.publicKey)).toBe(
      false,
    );
  });

  it('leaves what it is given as it was, and gives what is the caller’s', () => {
    const seed = new Uint8Array(32).fill(7);
    const pair = crypto.keyPair(seed);
    const before = hex(pair.secretKey);
    seed.fill(0);
    expect(hex(pair.secretKey)).toBe(before);
    const message = text('message');
    crypto.sign(message, pair.secretKey);
    expect([hex(message), hex(pair.secretKey)]).toEqual([hex(text('message')), before]);
  });

  it('takes views into larger buffers', async () => {
    const pair = crypto.keyPair();
    const at = (bytes: Uint8Array): Uint8Array =>
      concat([new Uint8Array(3), bytes, new Uint8Array(5)]).subarray(3, 3 + bytes.byteLength);
    const signature = crypto.sign(at(text('m')), at(pair.secretKey));
    expect(await crypto.verify(at(signature), at(text('m')), at(pair.publicKey))).toBe(true);
    expect(crypto.blake2b([at(text('m'))])).toEqual(crypto.blake2b([text('m')]));
  });

  it('gives random bytes, of any length', () => {
    for (const length of [0, 1, 24, 32]) expect(crypto.randomBytes(length).byteLength).toBe(length);
    const many = crypto.randomBytes(70_000);
    expect(many.byteLength).toBe(70_000);
    // Random to the end, also behind the 64 KiB that a platform gives at once.
    for (let start = 0; start < many.byteLength; start += 6000) {
      expect(new Set(many.subarray(start, start + 4000)).size).toBe(256);
    }
  });

  it('finds a signature of the wrong length false, and a key too', async () => {
    const { publicKey, secretKey } = crypto.keyPair();
    const signature = crypto.sign(text('m'), secretKey);
    for (const length of [0, 1, 31, 32, 33, 63, 65, 128]) {
      const cut = new Uint8Array(length);
      cut.set(signature.subarray(0, length));
      expect(await crypto.verify(cut, text('m'), publicKey)).toBe(false);
      if (length === 32) continue;
      const key = new Uint8Array(length);
      key.set(publicKey.subarray(0, length));
      expect(await crypto.verify(signature, text('m'), key)).toBe(false);
    }
  });

  it('names what was wrong with a seed, a secret key, a length', () => {
    expect(() => crypto.keyPair(new Uint8Array(31))).toThrow(
      new RangeError('"seed" expected 32 bytes, got 31'),
    );
    expect(() => crypto.sign(text('m'), new Uint8Array(32))).toThrow(
      new RangeError('"secretKey" expected 64 bytes, got 32'),
    );
    expect(() => crypto.randomBytes(-1)).toThrow(RangeError);
    expect(() => crypto.randomBytes(1.5)).toThrow(RangeError);
  });
});

describe('the native provider', () => {
  it.skipIf(native === undefined)('enciphers as XSalsa20 does, over any chunks', () => {
    const chunks = fc.array(fc.integer({ min: 0, max: 2000 }), { maxLength: 20 });
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    fc.assert(
      fc.property(bytes(32), bytes(24), chunks, (key, nonce, chunks) => {
        const [ours, theirs] = [new XSalsa20(key, nonce), native!.keystream!(key, nonce)];
        for (const length of chunks) {
          const [one, other] = [new Uint8Array(length), new Uint8Array(length + 3).subarray(3)];
          ours.xor(one);
          theirs.xor(other);
          expect(hex(other)).toBe(hex(one));
        }
      }),
    );
  });

  it.skipIf(native === undefined)('names the argument of the wrong length', () => {
    expect(() => native!.keystream!(new Uint8Array(31), new Uint8Array(24))).toThrow(
      new RangeError('"key" expected 32 bytes, got 31'),
    );
    expect(() => native!.keystream!(new Uint8Array(32), new Uint8Array(8))).toThrow(
      new RangeError('"nonce" expected 24 bytes, got 8'),
    );
  });

  it.skipIf(native === undefined)('enciphers a session with one that does not have it', async () => {
    const key = new Uint8Array(32).fill(6);
    const made: number[] = [];
    const counted: CryptoProvider = {
      ...native!,
      keystream: (key, nonce) => {
        made.push(nonce.byteLength);
        return native!.keystream!(key, nonce);
      },
    };
    const [here, there] = memoryPair();
    const sessions = await Promise.all([
      connect(here, { key, crypto: counted, userData: text('native') }),
      connect(there, { key, crypto: noble, userData: text('noble') }),
    ]);
    expect(sessions.map(({ remote }) => hex(remote.userData!))).toEqual([
      hex(text('noble')),
      hex(text('native')),
    ]);
    expect(made).toEqual([24, 24]);
    await Promise.all(sessions.map((session) => session.close()));
  });

  it('says what to install where sodium-native is not', async () => {
    vi.resetModules();
    vi.doMock('sodium-native', () => {
      throw new Error('Cannot find package');
    });
    const { native } = await import('../../src/crypto/native.ts');
    await expect(native()).rejects.toThrow(
      /^sodium-native cannot be used here .*npm install sodium-native@5/,
    );
  });
});

describe('the providers', () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

  it('hash alike', () => {
    const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 4 });
    const key = fc.option(fc.uint8Array({ minLength: 1, maxLength: 64 }), { nil: undefined });
    fc.assert(
      fc.property(parts, key, (parts, key) => {
        for (const [, one] of providers) expect(one.blake2b(parts, key)).toEqual(sodium.blake2b(parts, key));
      }),
    );
  });

  it('sign alike', () => {
    fc.assert(
      fc.property(bytes(32), fc.uint8Array({ maxLength: 300 }), (seed, message) => {
        const pair = noble.keyPair(seed);
        const signature = noble.sign(message, pair.secretKey);
        for (const [, one] of providers) {
          expect(one.keyPair(seed)).toEqual(pair);
          expect(one.sign(message, pair.secretKey)).toEqual(signature);
        }
      }),
      { numRuns: 50 },
    );
  });

  /** What all say of it; fails where they differ, or where one throws. */
  const verdict = (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean => {
    const ours = noble.verify(signature, message, publicKey);
    const what = `${hex(signature)} by ${hex(publicKey)}`;
    for (const [name, provider] of providers)
      expect(provider.verify(signature, message, publicKey), `${name}: ${what}`).toBe(ours);
    return ours as boolean;
  };

  it('decide alike over a signature with any bit changed', () => {
    const pair = noble.keyPair(new Uint8Array(32).fill(1));
    const signature = noble.sign(text('m'), pair.secretKey);
    const flipped = (bytes: Uint8Array, bit: number): Uint8Array =>
      bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    expect(verdict(signature, text('m'), pair.publicKey)).toBe(true);
    for (let bit = 0; bit < 512; bit += 7) {
      expect(verdict(flipped(signature, bit), text('m'), pair.publicKey)).toBe(false);
    }
    for (let bit = 0; bit < 256; bit += 5) {
      expect(verdict(signature, text('m'), flipped(pair.publicKey, bit))).toBe(false);
    }
  });

  it('decide alike over any bytes', () => {
    fc.assert(
      fc.property(bytes(64), fc.uint8Array({ maxLength: 8 }), bytes(32), (signature, message, key) => {
        verdict(signature, message, key);
      }),
      { numRuns: 100 },
    );
  });

  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const prime = 2n ** 255n - 19n;
  const little = (value: bigint): Uint8Array =>
    Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
  const number = (bytes: Uint8Array): bigint =>
    bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);

  it('refuse an S of the order or more', () => {
    const { publicKey, secretKey } = noble.keyPair(new Uint8Array(32).fill(2));
    const signature = noble.sign(text('m'), secretKey);
    const s = number(signature.subarray(32));
    for (const times of [1n, 2n, 7n, 14n]) {
      const larger = concat([signature.subarray(0, 32), little(s + times * order)]);
      expect(verdict(larger, text('m'), publicKey)).toBe(false);
    }
  });

  /** The eight points whose order divides eight, from one of order eight. */
  const eighth = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
  const small: InstanceType<typeof Point>[] = [Point.ZERO];
  for (let i = 1; i < 8; i++) small.push(small.at(-1)!.add(eighth));

  /** Each way to write a point of small order, also with a y of the prime or more, and with a sign that it has not. */
  const encodings = [
    ...new Set(
      small.flatMap((point) => {
        const y = number(point.toBytes()) % 2n ** 255n;
        return [y, y + prime]
          .filter((one) => one < 2n ** 255n)
          .flatMap((one) => [one, one + 2n ** 255n])
          .map((one) => hex(little(one)));
      }),
    ),
  ].map(unhex);

  it('refuse every point of small order, as a key and in a signature', () => {
    expect(encodings.length).toBe(14);
    const { publicKey } = noble.keyPair(new Uint8Array(32).fill(3));
    for (const key of [publicKey, ...encodings]) {
      for (const r of encodings) {
        expect(verdict(concat([r, little(0n)]), text('m'), key)).toBe(false);
        expect(verdict(concat([r, little(5n)]), text('m'), key)).toBe(false);
      }
    }
  });

  it('decide alike over what a signer can craft with points of small order', () => {
    const s = 123_456_789n;
    const accepted = new Set<string>();
    for (const inKey of small) {
      for (const inR of small) {
        // r 0 makes a signature with an R of small order that fulfils the equation.
        for (const r of [0n, 987_654_321n]) {
          const publicKey = Point.BASE.multiply(s).add(inKey).toBytes();
          const R = Point.BASE.multiply(r, false).add(inR).toBytes();
          const k = number(sha512(concat([R, publicKey, text('m')]))) % order;
          const signature = concat([R, little((r + k * s) % order)]);
          if (verdict(signature, text('m'), publicKey)) accepted.add(r === 0n ? 'small' : 'large');
        }
      }
    }
    expect([...accepted]).toEqual(['large']);
  });
});
