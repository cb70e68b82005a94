/** Every link in every Markdown file leads somewhere: to a file that is here, and to a heading that it has. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './page.ts';

/** Those that git knows, or would take. */
const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));

/** The text without its blocks of code. */
function prose(path: string): string {
  return readFileSync(join(root, path), 'utf8').replace(/^(`{3,})[\s\S]*?^\1$/gm, '');
}

/** The names that GitHub gives to headings. */
function anchors(path: string): string[] {
  const seen = new Map<string, number>();
  return [...prose(path).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => {
    const text = heading!.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const name = text.replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '').replaceAll(' ', '-');
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return count === 0 ? name : `${name}-${count}`;
  });
}

function linksOf(path: string): string[] {
  const text = prose(path).replace(/`[^`\n]*`/g, (code) => code.replace(/[[\]()]/g, '.'));
  const inline = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
  const references = [...text.matchAll(/^\[[^\]]+\]: (\S+)$/gm)].map(([, target]) => target!);
  return [...inline, ...references].filter((target) => !/^[a-z]+:/.test(target));
}

/** What is wrong with a link; `undefined` where it leads somewhere. */
function fault(page: string, link: string): string | undefined {
  const [target = '', anchor] = link.split('#');
  const path = target === '' ? page : normalize(join(dirname(page), decodeURIComponent(target)));
  if (path.startsWith('..') || !existsSync(join(root, path))) return `${link}: there is no ${path}`;
  if (anchor === undefined) return undefined;
  if (statSync(join(root, path)).isDirectory() || !path.endsWith('.md'))
    return `${link}: ${path} has no headings`;
  return anchors(path).includes(anchor) ? undefined : `${link}: ${path} has no heading for #${anchor}`;
}

it.each(files)('%s: its links lead somewhere', (page) => {
  expect(
    linksOf(page)
      .map((link) => fault(page, link))
      .filter(Boolean),
  ).toEqual([]);
});

it('tells a link that leads nowhere', () => {
  expect(fault('README.md', 'no-such-file.md')).toMatch('there is no no-such-file.md');
  expect(fault('README.md', 'docs/protocol.md#no-such-heading')).toMatch('has no heading');
  expect(fault('README.md', '../outside.md')).toMatch('there is no');
  expect(fault('docs/protocol.md', '../README.md#transports')).toBeUndefined();
});
