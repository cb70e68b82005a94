/**
 * Deno and Bun, and what of the tests runs in them. npm installs their programs in packages of their own, one a
 * platform; they are taken from there, since the install scripts that would link them do not run.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));

/** The vector suite, and what touches the platform. */
const files = [
  'test/runtimes/runtime.test.ts',
  'test/runtimes/bun.test.ts',
  'test/runtimes/deno.test.ts',
  'test/wire/codec.test.ts',
  'test/wire/frame.test.ts',
  'test/wire/rle.test.ts',
  'test/wire/sendable.test.ts',
  'test/wire/varint.test.ts',
  'test/crypto/providers.test.ts',
  'test/crypto/xsalsa20.test.ts',
  'test/crypto/kernel.test.ts',
  'test/session/vectors.test.ts',
  'test/session/receive.test.ts',
  'test/feed/bitfield.test.ts',
  'test/feed/digest.test.ts',
  'test/feed/merkle.test.ts',
  'test/feed/proof.test.ts',
  'test/feed/sleep.test.ts',
  'test/extension/vectors.test.ts',
  'test/extension/signed.test.ts',
  'test/extension/sealed.test.ts',
  'test/storage/node.test.ts',
  'test/transport/node.test.ts',
  'test/transport/websocket.test.ts',
];

/** The arguments for vitest. `except` are tests, by what their names begin with. */
const tests = (...except) => [...files, `-t=^(?!${[...everywhere, ...except].join('|')})`];

const everywhere = [
  // In Deno, hypercore 7 loads a native add-on that ends the process; in Bun, it takes long.
  'with hypercore 7',
  // Long, and Node's tests are enough.
  '.* a lot of bytes go through in little memory',
  'nodeTransport over a Duplex',
];

export const runtimes = [
  {
    name: 'Deno',
    program: find('@deno', 'deno'),
    /** What comes before a script. */
    args: ['run', '--allow-all', '--no-check'],
    tests: tests(
      // A socket that ends before it has sent anything makes the other side's writes fail for a moment.
      'nodeTransport over TCP .*(bytes arrive in order|a side that lets go once it is done)',
    ),
  },
  {
    name: 'Bun',
    program: find('@oven', 'bin/bun'),
    args: ['--bun'],
    // Forges a frame on the socket of a WebSocket, which Bun does not show.
    tests: tests('a WebSocket whose remote misbehaves announces a message of 1 GiB'),
  },
];

/** The path of a program that runs here. @throws Error where there is none. */
function find(scope, program) {
  const paths = readdirSync(modules + scope).map((name) => `${modules}${scope}/${name}/${program}`);
  const found = paths.find((path) => spawnSync(path, ['--version']).status === 0);
  if (found !== undefined) return found;
  throw new Error(`none of ${paths.join(', ') || `node_modules/${scope}`} runs on this machine`);
}
