/**
 * The package as npm would ship it, packed into a folder: `node test/package/tarball.mjs <folder>`. Its files, what
 * publint and arethetypeswrong say of it, and that JSR would take the same.
 */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = process.argv[2];
/** What a check says matters where it fails. */
const run = (command, ...args) => {
  const { status, stdout, stderr } = spawnSync('npx', [command, ...args], { cwd: root, encoding: 'utf8' });
  equal(status, 0, `${command}:\n${stdout}${stderr}`);
};
const json = (file) => JSON.parse(readFileSync(join(root, file), 'utf8'));

const packed = JSON.parse(
  execFileSync('npm', ['pack', '--json', '--silent', '--pack-destination', folder], {
    cwd: root,
    encoding: 'utf8',
  }),
);
const [{ filename, files: packedFiles, size }] = Object.values(packed);
const tarball = join(folder, filename);
const files = packedFiles.map(({ path }) => path);

// What is in it, is meant to be; and what is meant to be, is in it.
const expected =
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|demo\/feed\/[a-z]+|dist\/.+(\.d\.ts|\.js|\.js\.map))$/;
deepEqual(
  files.filter((file) => !expected.test(file)),
  [],
  'files that no one asked for',
);
const { name, version, license, exports, bin, dependencies } = json('package.json');
const targets = Object.values(exports).flatMap((target) =>
  typeof target === 'string' ? [target] : Object.values(target),
);
for (const target of [...targets, ...Object.values(bin), 'README.md', 'LICENSE', 'CHANGELOG.md']) {
  ok(files.includes(target.replace(/^\.\//, '')), `${target} is not in the package`);
}
ok(size < 700_000, `the package has ${size} bytes`);

// Each JavaScript file may name what is in the package, a dependency, and on Node a builtin.
/** The files that may only run on Node. */
const nodeOnly = /^dist\/(cli|storage\/node|transport\/node)/;
for (const file of files.filter((file) => file.endsWith('.js'))) {
  const source = readFileSync(join(root, file), 'utf8').replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
  for (const [, target] of source.matchAll(/\b(?:from|import\s*\(|import)\s*["']([^"'\s]+)["']/g)) {
    const known =
      target.startsWith('.') ||
      target.match(/^(?:@[^/]+\/)?[^/]+/)[0] in dependencies ||
      (nodeOnly.test(file) && target.startsWith('node:'));
    ok(known, `${file} imports ${target}`);
  }
  const found = nodeOnly.test(file) ? null : /\bnode:[a-z]+|\bBuffer\b|\bprocess\b\s*[.?[]/.exec(source);
  equal(found, null, `${file} names ${found?.[0]}, which no browser has`);
}

run('publint', '--strict', tarball);
run('attw', tarball, '--profile', 'esm-only');

// JSR ships the sources, by the same names.
const jsr = json('jsr.json');
deepEqual([jsr.version, jsr.license, jsr.name.replace(/^@[^/]+\//, '')], [version, license, name]);
const sources = Object.entries(exports).flatMap(([path, target]) =>
  path === './package.json' ? [] : [[path, target.types.replace(/^\.\/dist\/(.*)\.d\.ts$/, './src/$1.ts')]],
);
deepEqual(
  jsr.exports,
  Object.fromEntries(sources),
  `"exports" of jsr.json should be ${JSON.stringify(Object.fromEntries(sources))}`,
);
for (const [, file] of sources) ok(existsSync(join(root, file)), `${file} is not there`);
run('deno', 'publish', '--dry-run', '--allow-dirty', '--no-check', '--quiet');
