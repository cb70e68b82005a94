// hypercore-protocol 6 was written for sodium-native 2, of which there is no binary for a Node of today. The functions
// are the same in later ones, but for the stream, whose state the caller holds since version 3.
const sodium = require('sodium-native');

exports.isNative = true;
exports.crypto_generichash = sodium.crypto_generichash;
exports.randombytes_buf = sodium.randombytes_buf;

class Xor {
  constructor(nonce, key) {
    this.state = Buffer.alloc(sodium.crypto_stream_xor_STATEBYTES);
    sodium.crypto_stream_xor_init(this.state, nonce, key);
  }

  update(output, input) {
    sodium.crypto_stream_xor_update(this.state, output, input);
  }

  final() {
    sodium.crypto_stream_xor_final(this.state);
  }
}

exports.crypto_stream_xor_instance = (nonce, key) => new Xor(nonce, key);
