import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';

/*
 * The rule: what runs is imported one way, from a layer below or from one's own unit. A type is gone before
 * anything runs, so it may be named from above, but only where listed here. Nothing goes in a circle.
 */

/** Units, lowest first; those in one row do not see each other. A unit is a folder, or a file that is named. */
const layers: readonly (readonly string[])[] = [
  ['errors'],
  ['limits', 'trace'],
  ['stream'],
  ['wire', 'crypto', 'transport'],
  ['session/none'],
  ['session/extension-names', 'session/tracer'],
  ['session/extension-handlers'],
  [
    'session/handshake',
    'session/remote',
    'session/keepalive',
    'session/ending',
    'session/outbox',
    'session/options',
  ],
  ['session/channel'],
  ['session/offers'],
  ['session/router'],
  ['session'],
  ['extension'],
  ['feed/merkle', 'feed/bits', 'feed/sparse-pages', 'feed/storage'],
  ['feed/files'],
  ['feed'],
  ['connections'],
  ['storage'],
  ['index'],
  ['inspect'],
  ['cli'],
];

/** Units that see less than their place would allow; `feed/storage` is the interface, and nothing but types. */
const narrow: Readonly<Record<string, readonly string[]>> = {
  transport: ['errors', 'limits', 'stream'],
  storage: ['errors', 'stream', 'feed/storage'],
};

/** Types that are named from above, and why. */
const namedFromAbove = [
  // An event carries a message.
  'trace -> wire/messages',
  // A channel tells which session it is part of.
  'session/channel -> session/session',
  // A handler of extension messages is told of the channel, an extension also of the session.
  'session/extension-handlers -> session/channel',
  'session/options -> session/channel',
  'session/options -> session/session',
];

/** The only files that know Node. */
const forNode = /^(cli\/|(transport|storage)\/node(\.ts$|\/))/;

interface Import {
  readonly file: string;
  readonly target: string;
  readonly isType: boolean;
}

const root = new URL('../src/', import.meta.url);
const files = readdirSync(root, { recursive: true })
  .map((name) => String(name).replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.ts'));

const imports: readonly Import[] = files.flatMap((file) => {
  const source = readFileSync(new URL(file, root), 'utf8');
  const lines = [
    ...source.matchAll(/^(?:import|export)\s+(type\s)?[^;'"]*?\bfrom\s+['"]([^'"]+)['"]/gm),
    ...source.matchAll(/^(import)\s+['"]([^'"]+)['"]/gm),
    ...source.matchAll(/\b(import)\(\s*['"]([^'"]+)['"]/g),
  ];
  return lines.map(([, kind, target]) => ({
    file,
    target: target!.startsWith('.') ? posix.join(posix.dirname(file), target!) : target!,
    isType: kind?.trim() === 'type',
  }));
});
const inside = imports.filter(({ target }) => target.endsWith('.ts'));
const outside = imports.filter(({ target }) => !target.endsWith('.ts'));

const bare = (file: string): string => file.replace(/\.ts$/, '');
const units = layers.flat();
/** The longest that fits. */
const unitOf = (file: string): string =>
  units
    .filter((unit) => bare(file) === unit || file.startsWith(`${unit}/`))
    .sort((a, b) => b.length - a.length)[0] ?? bare(file).split('/')[0]!;
const rank = (unit: string): number => layers.findIndex((row) => row.includes(unit));
const show = ({ file, target }: Import): string => `${bare(file)} -> ${bare(target)}`;

/** Whether `file` may see `target`, by their units. */
function isAllowed({ file, target }: Import): boolean {
  const [from, to] = [unitOf(file), unitOf(target)];
  if (from === to) return true;
  const only = narrow[from];
  if (only !== undefined) return only.includes(to) || only.includes(bare(target));
  return rank(to) < rank(from);
}

describe('the layers', () => {
  it('have a place for every file, and every file is read', () => {
    expect(files.filter((file) => rank(unitOf(file)) === -1)).toEqual([]);
    expect(files.length).toBeGreaterThan(40);
    expect(inside.length).toBeGreaterThan(files.length);
    expect(inside.filter(({ target }) => !files.includes(target)).map(show)).toEqual([]);
  });

  it('see what is below them', () => {
    const upward = inside.filter((one) => !one.isType && !isAllowed(one));
    expect(upward.map(show)).toEqual([]);
  });

  it('name a type from above only where it is listed', () => {
    const upward = inside.filter((one) => one.isType && !isAllowed(one)).map(show);
    expect(upward.sort()).toEqual(namedFromAbove.toSorted());
  });

  it('let storage know the interface of a feed, and nothing that runs', () => {
    const seen = inside.filter(({ file, target }) => unitOf(file) === 'storage' && unitOf(target) === 'feed');
    expect(seen.filter(({ isType }) => !isType).map(show)).toEqual([]);
    expect(inside.filter(({ file, isType }) => file === 'feed/storage.ts' && !isType)).toEqual([]);
  });

  it('have no circles in what runs', () => {
    const next = new Map(
      files.map((file) => [
        file,
        inside.filter((one) => one.file === file && !one.isType).map(({ target }) => target),
      ]),
    );
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      expect(path, [...path, file].join(' -> ')).not.toContain(file);
      if (done.has(file)) return;
      for (const target of next.get(file) ?? []) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
  });
});

describe('the outside', () => {
  it('is Node for the Node files only', () => {
    const platform = outside.filter(({ target }) => target.startsWith('node:'));
    expect(platform.filter(({ file }) => !forNode.test(file)).map(show)).toEqual([]);
    expect(platform.length).toBeGreaterThan(0);
  });

  it('is reached by the core through nothing of the Node files', () => {
    const crossing = inside.filter(({ file, target }) => !forNode.test(file) && forNode.test(target));
    expect(crossing.map(show)).toEqual([]);
  });

  it('is what the package depends on', () => {
    const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    const packages = outside
      .filter(({ target }) => !target.startsWith('node:'))
      .map(({ target }) => target.match(/^(@[^/]+\/)?[^/]+/)![0]);
    expect([...new Set(packages)].filter((name) => !(name in dependencies))).toEqual([]);
    expect(Object.keys(dependencies).filter((name) => !packages.includes(name))).toEqual([]);
  });
});
