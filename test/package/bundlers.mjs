/**
 * The app of `app.mjs` as a bundler makes it for the browser: `node test/package/bundlers.mjs <folder> <bundler>`.
 * No polyfill, no plugin and no setting but where to read and write; and not a warning.
 */
import { deepEqual, ok } from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, transform } from 'esbuild';

const [, , folder, bundler] = process.argv;
const app = join(folder, 'app');
const out = join(app, 'out', bundler);
const entries = { main: join(app, 'main.js'), strict: join(app, 'strict.js') };

/** Each writes `main.js`, `strict.js` and what else they load into `out`, and gives back the warnings. */
const bundlers = {
  async vite() {
    const { build: viteBuild, createLogger } = await import('vite');
    const warnings = [];
    const warn = (text) => warnings.push(text);
    await viteBuild({
      root: app,
      configFile: false,
      logLevel: 'warn',
      customLogger: { ...createLogger('silent'), warn, warnOnce: warn },
      build: {
        outDir: out,
        rolldownOptions: {
          input: entries,
          preserveEntrySignatures: 'strict',
          output: { entryFileNames: '[name].js' },
        },
      },
    });
    return warnings;
  },

  async esbuild() {
    const { warnings } = await build({
      entryPoints: entries,
      outdir: out,
      bundle: true,
      splitting: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      logLevel: 'silent',
    });
    return warnings.map(({ text }) => text);
  },

  async rollup() {
    const { rollup } = await import('rollup');
    const { default: resolver } = await import('enhanced-resolve');
    const resolve = resolver.create.sync({
      conditionNames: ['browser', 'import'],
      mainFields: ['browser', 'module', 'main'],
    });
    const warnings = [];
    const bundle = await rollup({
      input: entries,
      onLog: (_level, { message }) => warnings.push(message),
      plugins: [
        { name: 'packages', resolveId: (id, importer) => resolve(importer ? join(importer, '..') : app, id) },
      ],
    });
    await bundle.write({ dir: out, format: 'es' });
    return warnings;
  },

  async webpack() {
    const { default: webpack } = await import('webpack');
    const stats = await new Promise((resolve, reject) => {
      webpack(
        {
          context: app,
          mode: 'production',
          entry: entries,
          experiments: { outputModule: true },
          output: { path: out, module: true, library: { type: 'module' }, filename: '[name].js' },
        },
        (error, stats) => (error ? reject(error) : resolve(stats)),
      );
    });
    return [...stats.compilation.errors, ...stats.compilation.warnings]
      .filter(({ name }) => !/SizeLimitWarning|NoAsyncChunksWarning/.test(name))
      .map(({ message }) => message);
  },
};

mkdirSync(out, { recursive: true });
deepEqual(await bundlers[bundler](), [], 'warnings');

const files = readdirSync(out, { recursive: true }).filter((file) => file.endsWith('.js'));
/** What each says, without the comments. */
const sources = new Map();
for (const file of files) {
  const { code } = await transform(readFileSync(join(out, file), 'utf8'), { legalComments: 'none' });
  sources.set(file, code);
}

/** The WASM, and the functions around it. */
const libsodium = files.filter((file) => /AGFzbQ|crypto_aead_aegis128l_encrypt/.test(sources.get(file)));
ok(libsodium.length > 0, 'libsodium is somewhere');
for (const file of libsodium) {
  ok(!(file.replace('.js', '') in entries), `${file} has libsodium in it`);
  ok(!sources.get(file).includes('discoveryKey'), `${file} has more than libsodium in it`);
}

const builtin = `(?:node:[a-z/]+|${builtinModules.join('|')})`;
const imports = new RegExp(`(?:\\bfrom|\\bimport|\\bimport\\(|\\brequire\\()\\s*["']${builtin}["']`);
const globals = /(?<![\w$.#])(?:Buffer|process|global|require|__dirname|__filename)\b(?!\s*[(:])/;
for (const [file, source] of sources) {
  if (libsodium.includes(file)) continue;
  const found = imports.exec(source) ?? globals.exec(source);
  ok(
    found === null,
    `${file} names what only Node has: ${source.slice(found?.index - 60, found?.index + 60)}`,
  );
}

const run = async (name) => (await import(pathToFileURL(join(out, name)).href)).run();
// Who brings noble needs nothing of libsodium: it is away meanwhile.
for (const file of libsodium) renameSync(join(out, file), join(out, `${file}.away`));
deepEqual(await run('strict.js'), [1, 2, 3]);
for (const file of libsodium) renameSync(join(out, `${file}.away`), join(out, file));
deepEqual(await run('main.js'), [1, 2, 3]);
