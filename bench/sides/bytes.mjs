/** So many bytes of one value, as a Buffer where there are Buffers: the peers take nothing else, and we do not mind. */
export const filled = (byteLength, byte) =>
  globalThis.Buffer === undefined ? new Uint8Array(byteLength).fill(byte) : Buffer.alloc(byteLength, byte);
