/**
 * Deno and Bun, and what of the tests runs in them. npm installs their programs in packages of their own, one a
 * platform; they are taken from there, since the install scripts that would link them do not run.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));

/** Each runtime with its program, and the arguments before a script. */
export const runtimes = [
  { name: 'Deno', program: find('@deno', 'deno'), args: ['run', '--allow-all', '--no-check'] },
  { name: 'Bun', program: find('@oven', 'bin/bun'), args: ['--bun'] },
];

/**
 * The vector suite and what touches the platform. `-t` leaves out a section of `sleep.test.ts`: there, hypercore 7
 * loads a native add-on that ends a Deno process.
 */
export const tests = [
  'test/runtimes/runtime.test.ts',
  'test/wire/codec.test.ts',
  'test/wire/frame.test.ts',
  'test/wire/rle.test.ts',
  'test/wire/sendable.test.ts',
  'test/wire/varint.test.ts',
  'test/crypto/',
  'test/session/vectors.test.ts',
  'test/session/receive.test.ts',
  'test/feed/bitfield.test.ts',
  'test/feed/digest.test.ts',
  'test/feed/merkle.test.ts',
  'test/feed/proof.test.ts',
  'test/feed/sleep.test.ts',
  'test/storage/node.test.ts',
  'test/transport/node.test.ts',
  '-t=^(?!with hypercore 7 )',
];

/** The path of a program that runs here. @throws Error where there is none. */
function find(scope, program) {
  const paths = readdirSync(modules + scope).map((name) => `${modules}${scope}/${name}/${program}`);
  const found = paths.find((path) => spawnSync(path, ['--version']).status === 0);
  if (found !== undefined) return found;
  throw new Error(`none of ${paths.join(', ') || `node_modules/${scope}`} runs on this machine`);
}
