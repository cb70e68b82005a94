/**
 * The code in a page of documentation, and what it prints. In a page
 *
 * - a block of code below a line that is only a file's name in backticks is that file;
 * - all other `js` blocks are one program: each goes on where the one before it ended;
 * - a `text` block right behind one of those is what it prints.
 *
 * The package's own name leads to what was built.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** A block of code. */
export interface Block {
  readonly language: string;
  readonly code: string;
  /** The name above it. */
  readonly file: string | undefined;
  /** Lines of the page, of what is between the fences. */
  readonly start: number;
  readonly end: number;
}

/** The pages under `docs/`, and the README, by their paths from the root. */
export function pages(): string[] {
  const under = readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' });
  const written = under.filter((path) => path.endsWith('.md') && !path.startsWith('api/'));
  return ['README.md', ...written.map((path) => `docs/${path}`).sort()];
}

export function textOf(page: string): string {
  return readFileSync(`${root}${page}`, 'utf8');
}

export function blocksOf(text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const fence = /^(`{3,})(\w*)$/.exec(lines[i]!);
    if (fence === null) continue;
    const start = i + 1;
    const end = lines.indexOf(fence[1]!, start);
    if (end === -1) throw new Error(`line ${start} opens a block that nothing closes`);
    const label = /^`([^`]+)`:?$/.exec(lines.slice(0, i).findLast((line) => line !== '') ?? '');
    const code = lines
      .slice(start, end)
      .map((line) => `${line}\n`)
      .join('');
    blocks.push({ language: fence[2]!, code, file: label?.[1], start, end });
    i = end;
  }
  return blocks;
}

/** The files of a page, by name. Of a name that comes twice, the later one takes the place of the first. */
export function filesOf(page: string, which: 'first' | 'last' = 'last'): Map<string, string> {
  const files = new Map<string, string>();
  for (const { file, code } of blocksOf(textOf(page))) {
    if (file !== undefined && (which === 'last' || !files.has(file))) files.set(file, code);
  }
  return files;
}

/** A part of a page's program, and the block that says what it prints. */
export interface Part {
  readonly code: string;
  readonly output: Block | undefined;
}

export function partsOf(text: string): Part[] {
  const blocks = blocksOf(text);
  return blocks.flatMap(({ language, file, code }, i) => {
    if (language !== 'js' || file !== undefined) return [];
    const next = blocks[i + 1];
    return [{ code, output: next?.language === 'text' && next.file === undefined ? next : undefined }];
  });
}

/** Runs a program as printed, and returns what it prints. */
export async function run(program: string): Promise<string> {
  const args = ['--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  return stdout;
}

/** No page prints this. */
const SEAM = '\u241e';

/** Runs the parts as one program; what each of them prints. */
export async function runParts(parts: readonly Part[]): Promise<string[]> {
  const output = await run(parts.map(({ code }) => code).join(`\nconsole.log('${SEAM}');\n`));
  return output.split(`${SEAM}\n`);
}

/** Puts `outputs` into the blocks of a page that say what is printed. */
export function update(page: string, parts: readonly Part[], outputs: readonly string[]): void {
  const lines = textOf(page).split('\n');
  parts.toReversed().forEach(({ output }, i) => {
    const printed = outputs.toReversed()[i]!.split('\n').slice(0, -1);
    if (output !== undefined) lines.splice(output.start, output.end - output.start, ...printed);
  });
  writeFileSync(`${root}${page}`, lines.join('\n'));
}
