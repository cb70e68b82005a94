/** The bytes that an app loads for each entry, minified, with all that it imports but libsodium. */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
const entries = {
  'hypercore-wire': 'index',
  'hypercore-wire/feed': 'feed',
  'hypercore-wire/wire': 'wire',
  'hypercore-wire/crypto': 'crypto',
  'hypercore-wire/stream': 'stream',
};

/** A Markdown table, in whole kilobytes so that a new compiler does not change it every time. */
export async function sizeTable() {
  const rows = [];
  for (const [name, file] of Object.entries(entries)) {
    const output = await build({
      root,
      configFile: false,
      logLevel: 'error',
      build: {
        write: false,
        target: 'es2022',
        lib: { entry: `dist/${file}.js`, formats: ['es'] },
        // Said here: for a library, Vite itself leaves the white space in.
        rolldownOptions: { external: ['libsodium-wrappers'], output: { minify: true } },
      },
    });
    const chunks = output.flatMap((bundle) => bundle.output).filter((chunk) => chunk.type === 'chunk');
    const code = chunks.map((chunk) => chunk.code).join('');
    const kilobytes = (bytes) => `${Math.ceil(bytes / 1000)} KB`;
    rows.push(`| \`${name}\` | ${kilobytes(code.length)} | ${kilobytes(gzipSync(code).length)} |`);
  }
  return ['| entry | minified | gzip |', '| --- | --- | --- |', ...rows].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await sizeTable());
