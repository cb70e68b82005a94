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
  excludeExternals: true,
  disableGit: true,
  disableSources: true,
  includeVersion: true,
  hideGenerator: true,
  treatWarningsAsErrors: true,
  validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true },
};
