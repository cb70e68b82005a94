/**
 * The peers, each set in a folder of its own under `peers/`, since whether a sodium-native can be found changes what
 * the reference does. Installed on first use, and checked to be what their name says.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export const folderOf = (set) => fileURLToPath(new URL(`peers/${set}/`, import.meta.url));

/** Loads packages of a set, as `require` does there; `set` says which it is. */
export function loader(set) {
  const require = createRequire(`${folderOf(set)}package.json`);
  return Object.assign((name) => require(name), { set });
}

/** Throws where a set is not what it is named for. */
const checks = {
  'as-installed'(load) {
    if (sodiumOf('as-installed', 'hypercore-protocol') !== load('sodium-javascript'))
      throw new Error('the reference does not use the sodium in JavaScript');
  },
  native() {
    if (!sodiumOf('native', 'hypercore-protocol').isNative)
      throw new Error('the reference does not use the native sodium');
    // These have nothing else to fall back to, and throw where no binary of this platform came along.
    for (const name of ['hypercore', '@hyperswarm/secret-stream']) sodiumOf('native', name);
  },
};

/** The sodium that a package of a set uses. */
function sodiumOf(set, name) {
  const { resolve } = createRequire(`${folderOf(set)}package.json`);
  return createRequire(resolve(name))('sodium-universal');
}

function fail(set, reason, cause) {
  throw new Error(
    `bench/peers/${set} cannot be measured: ${reason}. Remove bench/peers/${set}/node_modules and try again; where that does not help, this platform has no binary of it`,
    { cause },
  );
}

/** Installs the sets that are not there, and checks all; `undefined` is what needs none. */
export function install(sets) {
  for (const set of sets) {
    if (set === undefined) continue;
    const folder = folderOf(set);
    const lock = readFileSync(`${folder}package-lock.json`, 'utf8');
    if (!isInstalled(folder, lock)) {
      console.error(`installing bench/peers/${set} …`);
      const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
        cwd: folder,
        stdio: ['ignore', 2, 2],
        shell: process.platform === 'win32',
      });
      if (status !== 0) fail(set, 'npm ci failed');
    }
    try {
      checks[set](loader(set));
    } catch (error) {
      fail(set, error.message, error);
    }
  }
}

/** Whether npm has put there what the lockfile names. */
function isInstalled(folder, lock) {
  const hidden = `${folder}node_modules/.package-lock.json`;
  if (!existsSync(hidden)) return false;
  const there = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  return Object.entries(JSON.parse(lock).packages).every(
    ([path, { version, optional, link }]) =>
      path === '' || optional || link || there[path]?.version === version,
  );
}
