/**
 * The package as npm would ship it: packed into `folder`, looked at by publint and arethetypeswrong, free of
 * what a browser does not have, and its sizes as the README states them.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sizeTable } from './size.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = process.argv[2];
const run = (command, ...args) => execFileSync(command, args, { cwd: root, stdio: 'inherit' });

run('npm', 'pack', '--silent', '--pack-destination', folder);
const tarball = join(
  folder,
  readdirSync(folder).find((name) => name.endsWith('.tgz')),
);
run('npx', 'publint', '--strict', tarball);
run('npx', 'attw', tarball, '--profile', 'esm-only');

/** The entries that may only run on Node. */
const nodeOnly = /^(cli|storage\/node|transport\/node)/;
for (const file of readdirSync(join(root, 'dist'), { recursive: true })) {
  if (!file.endsWith('.js')) continue;
  const source = readFileSync(join(root, 'dist', file), 'utf8');
  if (nodeOnly.test(file)) continue;
  const found = /\bnode:[a-z]+|\bBuffer\b|\bprocess\./.exec(source.replace(/^\s*(\/\/|\*|\/\*).*$/gm, ''));
  if (found) throw new Error(`${relative(root, join('dist', file))} names ${found[0]}, which no browser has`);
}

const table = await sizeTable();
if (!readFileSync(join(root, 'README.md'), 'utf8').includes(table)) {
  throw new Error(`the size table of README.md is not true any more; it should be:\n\n${table}`);
}
