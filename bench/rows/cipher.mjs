/** XSalsa20 as a session uses it: one continuous keystream, in place where the implementation can. */
import { XSalsa20 } from 'hypercore-wire/crypto';

const key = new Uint8Array(32).fill(1);
const nonce = new Uint8Array(24).fill(2);
const BLOCK = 64;

/** Runs what `make(context)` makes: a function that enciphers a chunk of a multiple of 64 bytes, from where it stopped. */
const over = (byteLength, make) =>
  async function start(context) {
    const update = await make(context);
    const chunk = new Uint8Array(byteLength);
    return {
      run(count) {
        for (let i = 0; i < count; i++) update(chunk);
      },
    };
  };

const ours = () => {
  const keystream = new XSalsa20(key, nonce);
  return (chunk) => keystream.xor(chunk);
};

const referenceWasm = ({ load }) => {
  const xsalsa20 = load('xsalsa20');
  const large = new Uint8Array(16_000_000);
  xsalsa20(nonce, key).update(large, large);
  const keystream = xsalsa20(nonce, key);
  return (chunk) => keystream.update(chunk, chunk);
};

/** Its wrappers leave this function out, so it is called as they would: on bytes that are copied in and out. */
const libsodium = async ({ load }) => {
  const { ready, libsodium: wasm } = load('libsodium-wrappers-sumo');
  await ready;
  const copied = (bytes) => {
    const pointer = wasm._malloc(bytes.byteLength);
    wasm.HEAPU8.set(bytes, pointer);
    return pointer;
  };
  const [at, nonceAt, keyAt] = [copied(new Uint8Array(65536)), copied(nonce), copied(key)];
  let block = 0;
  return (chunk) => {
    wasm.HEAPU8.set(chunk, at);
    // Lengths and counters are 64 bits in two.
    wasm._crypto_stream_xsalsa20_xor_ic(at, at, chunk.byteLength, 0, nonceAt, block, 0, keyAt);
    chunk.set(wasm.HEAPU8.subarray(at, at + chunk.byteLength));
    block += chunk.byteLength / BLOCK;
  };
};

const noble = ({ load }) => {
  const { xsalsa20 } = load('@noble/ciphers/salsa.js');
  let block = 0;
  return (chunk) => {
    xsalsa20(key, nonce, chunk, chunk, block);
    block += chunk.byteLength / BLOCK;
  };
};

const native = ({ load }) => {
  const sodium = load('sodium-native');
  const state = Buffer.alloc(sodium.crypto_stream_xor_STATEBYTES);
  sodium.crypto_stream_xor_init(state, Buffer.from(nonce), Buffer.from(key));
  return (chunk) => sodium.crypto_stream_xor_update(state, chunk, chunk);
};

const row = ({ byteLength, floor, ...rest }) => ({
  ...rest,
  ours: over(byteLength, ours),
  peers: {
    "reference's WASM": { set: 'as-installed', start: over(byteLength, referenceWasm) },
    libsodium: { set: 'as-installed', start: over(byteLength, libsodium) },
    noble: { set: 'as-installed', start: over(byteLength, noble) },
    'sodium-native': { set: 'native', start: over(byteLength, native) },
  },
  floors: { "reference's WASM": floor, libsodium: floor },
});

export const rows = [
  row({ work: 'XSalsa20 64 KiB', unit: 'MB/s', count: 16, worth: 0.065536, byteLength: 65536, floor: 1.8 }),
  row({ work: 'XSalsa20 64 B', unit: 'messages/s', count: 10_000, byteLength: 64, floor: 1 }),
];
