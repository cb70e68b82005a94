/**
 * The bytes that an app loads, minified by Vite, with all that it imports but libsodium, and without what Vite itself adds
 * to an app that imports anything late. `node test/package/sizes.mjs` holds them against the limits and against the table
 * in README.md, which `--write` brings up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = `${root}README.md`;
const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

const wire = (names) => `export { ${names} } from 'hypercore-wire';`;
const webSocket = `export { dialWebSocket } from 'hypercore-wire/transport/websocket';`;
const noble = `export { noble } from 'hypercore-wire/crypto/noble';`;

/** Name, code, and the most bytes that it may have when gzipped. */
const apps = [
  ['`connect`', wire('connect'), 20_000],
  ['`connect`, WebSocket, noble', wire('connect') + webSocket + noble, 40_000],
  ['`Feed`, `replicate`, WebSocket, noble', wire('Feed, replicate') + webSocket + noble],
];
const entries = Object.keys(exports)
  .filter((path) => !/(node|native|bun|package\.json)$/.test(path))
  .map((path) => path.replace('.', 'hypercore-wire'))
  .map((name) => [`all of \`${name}\``, `export * from '${name}';`]);

async function measure(code) {
  const [{ output }] = await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins: [
      {
        name: 'app',
        resolveId: (id) => (id === 'app' ? '\0app' : undefined),
        load: (id) => (id === '\0app' ? code : undefined),
      },
    ],
    build: {
      write: false,
      target: 'es2022',
      minify: true,
      lib: { entry: 'app', formats: ['es'] },
      rolldownOptions: {
        input: 'app',
        external: ['libsodium-wrappers'],
        output: { minify: true },
      },
    },
  });
  const chunks = output.filter((file) => file.type === 'chunk').map((chunk) => chunk.code);
  return { minified: chunks.join('').length, gzip: gzipSync(chunks.join('')).length };
}

// In whole kilobytes, so that a new compiler does not change the table every time.
const kilobytes = (bytes) => `${Math.ceil(bytes / 1000)} KB`;

const rows = ['| what an app imports | minified | gzip |', '| --- | --- | --- |'];
for (const [name, code, limit] of [...apps, ...entries]) {
  const { minified, gzip } = await measure(code);
  if (gzip > limit) throw new Error(`${name} is ${gzip} bytes gzip, and ${limit} are allowed`);
  rows.push(`| ${name} | ${kilobytes(minified)} | ${kilobytes(gzip)} |`);
}
const table = `${rows.join('\n')}\n`;

/** Whether it says the same, but for a kilobyte: who stands at a border does not fail for a few bytes. */
function isTrue(other) {
  const [here, there] = [table, other].map((of) => of.split(/(\d+) KB/));
  if (here.length !== there.length) return false;
  return here.every((part, i) => (i % 2 === 0 ? part === there[i] : Math.abs(part - there[i]) <= 1));
}

const text = readFileSync(readme, 'utf8');
const stated = /^\| what an app imports .*\n(?:\|.*\n)+/m.exec(text)?.[0];
if (stated === undefined) throw new Error('README.md has no table of sizes');
if (process.argv.includes('--write')) writeFileSync(readme, text.replace(stated, table));
else if (!isTrue(stated)) {
  throw new Error(
    `the sizes in README.md are not true any more: node test/package/sizes.mjs --write makes them\n\n${table}`,
  );
}
