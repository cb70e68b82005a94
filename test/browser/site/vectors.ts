/** The known answers, in a page: what no test that only runs there would notice. */
import { Feed, memoryStorage, toHex } from 'hypercore-wire';
import { type CryptoProvider, discoveryKey, libsodium, XSalsa20 } from 'hypercore-wire/crypto';
import { noble } from 'hypercore-wire/crypto/noble';
import { Deframer, decodePacket, decodeRle, readVarint } from 'hypercore-wire/wire';
import v6 from '../../vectors/v6.json';

const unhex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** Names of the known answers that come out otherwise. */
export async function wrongAnswers(): Promise<string[]> {
  const wrong: string[] = [];
  const check = (name: string, actual: unknown, expected: unknown): void => {
    if (actual !== expected) wrong.push(name);
  };
  for (const { name, frame, message, decoded } of v6.frames) {
    // A body of one byte is none, by rule.
    if (frame.length === 4) continue;
    const read = readFrame(frame);
    for (const [field, value] of Object.entries(decoded ?? message)) {
      if (!FOREIGN.includes(field))
        check(`${name}: ${field}`, JSON.stringify(read[field]), JSON.stringify(value));
    }
  }
  for (const { value, hex } of v6.varints.encode)
    check(`varint ${value}`, readVarint(unhex(hex), 0)?.value, value);
  for (const { name, encoded, decoded } of v6.rle.roundtrip) {
    check(`rle ${name}`, toHex(decodeRle(unhex(encoded), 131_072)), decoded);
  }
  for (const crypto of [await libsodium(), noble]) {
    for (const known of v6.discoveryKeys) {
      check(
        `discovery key of ${known.key}`,
        toHex(discoveryKey(crypto, unhex(known.key))),
        known.discoveryKey,
      );
    }
    for (const [i, signature] of (await signatures(crypto)).entries()) {
      check(`signature ${i}`, signature, v6.merkle.feeds[i]!.signature);
    }
  }
  return wrong;
}

/** Which of the known keystreams come out otherwise. Works where WASM may not run, too. */
export function wrongKeystreams(): string[] {
  const wrong: string[] = [];
  for (const { key, nonce, stream, slices } of v6.keystream.cases) {
    const bytes = new Uint8Array(70_100);
    new XSalsa20(unhex(key), unhex(nonce)).xor(bytes);
    for (const { offset, length, hex } of [
      { offset: 0, length: stream.length / 2, hex: stream },
      ...slices,
    ]) {
      if (toHex(bytes.subarray(offset, offset + length)) !== hex) wrong.push(`${key} at ${offset}`);
    }
  }
  return wrong;
}

/** What the reference's applications pass along and no message has. */
const FOREIGN = ['tick', 'name'];

/** The fields of a frame's message; bytes are hex. */
function readFrame(frame: string): Record<string, unknown> {
  const bodies: Uint8Array[] = [];
  new Deframer(8_388_608).push(unhex(frame), bodies);
  const { message } = decodePacket(bodies[0]!, 256);
  return JSON.parse(
    JSON.stringify(message, (_, value) => (value instanceof Uint8Array ? toHex(value) : value)),
  );
}

/** Those of the known feed, which is appended to block by block. */
async function signatures(crypto: CryptoProvider): Promise<string[]> {
  const storage = memoryStorage();
  const feed = await Feed.create(storage, { crypto, keyPair: crypto.keyPair(unhex(v6.merkle.seed)) });
  for (const block of v6.merkle.blocks) await feed.append(unhex(block));
  return v6.merkle.blocks.map((_, i) => toHex(storage.file('signatures').read(32 + 64 * i, 64)));
}
