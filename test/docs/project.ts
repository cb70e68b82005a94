/** The files of a page in a folder of their own, as a reader would have them. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { filesOf, root } from './page.ts';

const folders: string[] = [];

/** Makes a folder with the files of a page, in which the package is installed. */
export function project(page: string, which: 'first' | 'last' = 'last'): string {
  const folder = mkdtempSync(join(tmpdir(), 'hypercore-wire-docs-'));
  folders.push(folder);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/hypercore-wire'), 'dir');
  for (const [name, code] of [['package.json', '{ "type": "module" }'], ...filesOf(page, which)] as const) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), code);
  }
  return folder;
}

export function removeProjects(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}
