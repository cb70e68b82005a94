// The packages of this set for a page, bundled with what they expect of Node. Each runs when it is asked for.
globalThis.Buffer = require('buffer/').Buffer;
globalThis.process = require('process/browser');

globalThis.peers = {
  hypercore: () => require('hypercore'),
  'hypercore-protocol': () => require('hypercore-protocol'),
  'random-access-memory': () => require('random-access-memory'),
  xsalsa20: () => require('xsalsa20'),
  'libsodium-wrappers-sumo': () => require('libsodium-wrappers-sumo'),
  '@noble/ciphers/salsa.js': () => require('@noble/ciphers/salsa.js'),
};
