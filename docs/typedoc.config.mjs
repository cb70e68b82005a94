/** The API reference, from the docstrings: `npm run docs` writes it to docs/api. Every warning is an error. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { exports } = JSON.parse(readFileSync(root('jsr.json'), 'utf8'));

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'hypercore-wire',
  entryPoints: Object.values(exports).map(root),
  tsconfig: root('tsconfig.json'),
  basePath: root('src'),
  out: root('docs/api'),
  readme: 'none',
  excludeInternal: true,
  excludePrivate: true,
  excludeProtected: true,
  excludeExternals: true,
  disableGit: true,
  disableSources: true,
  includeVersion: true,
  sortEntryPoints: false,
  groupOrder: ['Functions', 'Classes', '*'],
  kindSortOrder: ['Module', 'Function', 'Class', 'Interface', 'TypeAlias', 'Variable'],
  hideGenerator: true,
  // The compiler has checked it: npm run check.
  skipErrorChecking: true,
  treatWarningsAsErrors: true,
  validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true },
  // What a property is, its name and type often say.
  requiredToBeDocumented: ['Class', 'Interface', 'TypeAlias', 'Variable'],
  // Types of messages that the session keeps to itself: what is left is named in words.
  intentionallyNotExported: ['src/session/channel.ts:Internal'],
};
