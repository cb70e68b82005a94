/**
 * An app that has nothing but the package: `node test/package/app.mjs <folder>` installs the tarball of the folder
 * into an empty project beside it, compiles the app's sources as different apps would, and runs it on Node.
 */
import { match } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const json = (file) => JSON.parse(readFileSync(join(root, file), 'utf8'));
const folder = process.argv[2];
const app = join(folder, 'app');
const write = (file, value) => writeFileSync(join(app, file), JSON.stringify(value));
const run = (command, ...args) => execFileSync(command, args, { cwd: app, encoding: 'utf8' });

mkdirSync(app);
install(readdirSync(folder).find((name) => name.endsWith('.tgz')));
cpSync(join(root, 'test/package/app'), app, { recursive: true });
const paths = Object.keys(json('package.json').exports).filter((path) => path !== './package.json');
const forNode = (path) => /(node|bun)$/.test(path);
importAll(
  'all.ts',
  paths.filter((path) => !forNode(path)),
);
importAll('all-node.ts', paths.filter(forNode));

const anywhere = ['main.ts', 'strict.ts', 'all.ts'];
compile({ module: 'ESNext', moduleResolution: 'Bundler', lib: ['ES2022'] }, anywhere);
compile({ module: 'Node16', moduleResolution: 'Node16', lib: ['ES2022', 'DOM'] }, [...anywhere, 'page.ts']);
const typeRoots = [join(root, 'node_modules/@types')];
compile({ module: 'NodeNext', lib: ['ES2022'], typeRoots, types: ['node'], noEmit: false }, [
  'node.ts',
  'all.ts',
  'all-node.ts',
]);

// What was compiled last is beside its source.
run('node', 'node.js');
match(run('npx', '--no-install', 'hypercore-wire', '--help'), /hypercore-wire share/);

/** npm installs it, with the versions that the tests ran with: with a lock file it need not ask the registry. */
function install(tarball) {
  const { name, version, dependencies, bin } = json('package.json');
  const file = `file:../${tarball}`;
  const project = {
    name: 'app',
    version: '1.0.0',
    private: true,
    type: 'module',
    dependencies: { [name]: file },
  };
  const locked = Object.entries(json('package-lock.json').packages).filter(
    ([path, { dev }]) => path !== '' && !dev,
  );
  write('package.json', project);
  write('package-lock.json', {
    lockfileVersion: 3,
    packages: {
      '': project,
      [`node_modules/${name}`]: { version, resolved: file, dependencies, bin },
      ...Object.fromEntries(locked),
    },
  });
  run('npm', 'ci', '--silent', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund');
}

/** Names each entry, so that all its types are looked at. */
function importAll(file, paths) {
  const lines = paths.map((path, i) => `export * as entry${i} from 'hypercore-wire${path.slice(1)}';`);
  writeFileSync(join(app, file), lines.join('\n'));
}

/** As strict as it gets, with the types of the packages checked too. */
function compile(options, files) {
  write('tsconfig.json', {
    compilerOptions: {
      target: 'ES2022',
      types: [],
      noEmit: true,
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      ...options,
    },
    files,
  });
  try {
    run(process.execPath, join(root, 'node_modules/typescript/bin/tsc'), '-p', '.');
  } catch ({ stdout }) {
    throw new Error(`with ${JSON.stringify(options)}:\n${stdout}`);
  }
}
