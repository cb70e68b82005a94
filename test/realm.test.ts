/**
 * The core in a realm that has the language itself and nothing of a platform but timers, `TextEncoder`,
 * `TextDecoder` and `crypto.getRandomValues`.
 */
import { webcrypto } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { build, type Plugin } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { exports } from '../package.json' with { type: 'json' };

const src = fileURLToPath(new URL('../src', import.meta.url));

/** A script that puts what `entry` exports into the global `wire`. */
async function bundled(entry: string, ...plugins: Plugin[]): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: entry, loader: 'ts', resolveDir: src },
    bundle: true,
    format: 'iife',
    globalName: 'wire',
    platform: 'browser',
    target: 'es2022',
    write: false,
    plugins,
  });
  return outputFiles[0]!.text;
}

/** In a script an `import()` of what is not in it cannot stay. */
const noLibsodium: Plugin = {
  name: 'no libsodium',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^libsodium-wrappers$/ }, ({ path }) => ({ path, namespace: 'none' }));
    onLoad({ filter: /./, namespace: 'none' }, () => ({ contents: 'export default undefined' }));
  },
};

/** The files of all entries but those for Node. */
const entries: string[] = Object.keys(exports)
  .filter((entry) => !/node$|package\.json$/.test(entry))
  .map((entry) => exports[entry as '.'].types.replace(/^\.\/dist\/(.*)\.d\.ts$/, './$1.ts'));

const everything = await bundled(
  entries.map((file, i) => `export * as entry${i} from '${file}';`).join('\n'),
  noLibsodium,
);
const core = await bundled(
  `export * from './index.ts'; export { noble } from './crypto/noble.ts';`,
  noLibsodium,
);

/** What V8 gives every realm, and no language standard does. */
const notOfTheLanguage = ['console', 'WebAssembly'];

function languageOnly(): vm.Context {
  const realm = vm.createContext(Object.create(null));
  for (const name of notOfTheLanguage) vm.runInContext(`delete globalThis.${name}`, realm);
  return realm;
}

/** The five things, as the realm's own: what they return is made of its own `Uint8Array`. */
function bareRealm(): vm.Context {
  const realm = languageOnly();
  Object.assign(realm, {
    setTimeout: (fn: () => void, ms: number) => setTimeout(fn, ms),
    clearTimeout: (timer: NodeJS.Timeout) => clearTimeout(timer),
    outside: {
      encode: (text: string) => new TextEncoder().encode(text),
      decode: (bytes: Uint8Array, label: string, options: object) =>
        new TextDecoder(label, options).decode(bytes),
      fill: (bytes: Uint8Array) => webcrypto.getRandomValues(bytes),
    },
  });
  vm.runInContext(
    `{
      const { encode, decode, fill } = outside;
      delete globalThis.outside;
      globalThis.TextEncoder = class { encode(text) { return Uint8Array.from(encode(text)); } };
      globalThis.TextDecoder = class {
        constructor(label, options) { this.label = label; this.options = options; }
        decode(bytes) { return decode(bytes, this.label, this.options); }
      };
      globalThis.crypto = { getRandomValues: (bytes) => { fill(bytes); return bytes; } };
    }`,
    realm,
  );
  return realm;
}

const platform = [
  ...['setTimeout', 'clearTimeout', 'setInterval', 'queueMicrotask', 'TextEncoder', 'TextDecoder', 'crypto'],
  ...['performance', 'WebAssembly', 'WebSocket', 'MessageChannel', 'AbortController', 'Event', 'EventTarget'],
  ...[
    'process',
    'Buffer',
    'global',
    'require',
    'module',
    'exports',
    'Deno',
    'Bun',
    'console',
    'fetch',
    'URL',
  ],
  ...[
    'window',
    'self',
    'document',
    'navigator',
    'location',
    'importScripts',
    'structuredClone',
    'atob',
    'btoa',
  ],
];

describe('a bare realm', () => {
  it('has the language and five things', () => {
    const names = (realm: vm.Context): string[] =>
      vm.runInContext('Object.getOwnPropertyNames(globalThis).join()', realm).split(',');
    const language = names(languageOnly());
    expect(language.filter((name) => platform.includes(name))).toEqual([]);
    expect(
      names(bareRealm())
        .filter((name) => !language.includes(name))
        .sort(),
    ).toEqual(['TextDecoder', 'TextEncoder', 'clearTimeout', 'crypto', 'setTimeout']);
  });

  it('loads each entry without a look at the platform', () => {
    const realm = languageOnly();
    const seen: string[] = [];
    for (const name of platform) {
      const get = (): undefined => void seen.push(name);
      Object.defineProperty(realm, name, { configurable: true, get });
    }
    vm.runInContext(`typeof performance; typeof globalThis.crypto;`, realm);
    expect(seen.splice(0)).toEqual(['performance', 'crypto']);
    vm.runInContext(everything, realm);
    expect(seen).toEqual([]);
    expect(vm.runInContext('Object.keys(wire).length', realm)).toBe(entries.length);
    expect(entries.length).toBeGreaterThan(6);
  });

  it('replicates a feed', async () => {
    const realm = bareRealm();
    vm.runInContext(core, realm);
    const words = await vm.runInContext(
      `(async () => {
        const { Feed, memoryPair, memoryStorage, noble, replicate } = wire;
        const writer = await Feed.create(memoryStorage(), { crypto: noble });
        await writer.append(['hello', 'bare', 'world'].map((word) => new TextEncoder().encode(word)));
        const reader = await Feed.open(memoryStorage(), { key: writer.key, crypto: noble });
        const [here, there] = memoryPair();
        const replications = await Promise.all([
          replicate(here, { feeds: writer }),
          replicate(there, { feeds: reader }),
        ]);
        const words = [];
        for await (const block of reader.read()) words.push(new TextDecoder().decode(block));
        for (const { closed } of replications) words.push((await closed).code);
        return words.join();
      })()`,
      realm,
    );
    expect(words).toBe('hello,bare,world,closed,closed');
  });

  it('carries the messages of an app', async () => {
    const realm = bareRealm();
    vm.runInContext(core, realm);
    const heard = await vm.runInContext(
      `(async () => {
        const { connect, memoryPair, noble } = wire;
        const key = noble.randomBytes(32);
        const options = { key, crypto: noble, extensions: ['chat'], userData: new TextEncoder().encode('me') };
        const [here, there] = await Promise.all(memoryPair().map((transport) => connect(transport, options)));
        const [from, to] = [here.open(key), there.open(key)];
        from.send({ type: 'extension', name: 'chat', payload: new TextEncoder().encode('hi') });
        for await (const message of to) {
          if (message.type !== 'extension') continue;
          await Promise.all([here.close(), there.close()]);
          return [message.name, new TextDecoder().decode(message.payload), new TextDecoder().decode(there.remote.userData)].join();
        }
      })()`,
      realm,
    );
    expect(heard).toBe('chat,hi,me');
  });

  it('runs libsodium too, where it has WebAssembly', async () => {
    const realm = bareRealm();
    Object.assign(realm, { WebAssembly: vm.runInContext('WebAssembly', vm.createContext()) });
    vm.runInContext(await bundled(`export * from './crypto/index.ts'`), realm);
    const verified = await vm.runInContext(
      `wire.libsodium().then((crypto) => {
        const { publicKey, secretKey } = crypto.keyPair();
        return crypto.verify(crypto.sign(publicKey, secretKey), publicKey, publicKey);
      })`,
      realm,
    );
    expect(verified).toBe(true);
  });
});
