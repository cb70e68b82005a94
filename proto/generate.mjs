/**
 * Makes TypeScript of the .proto files: `node proto/generate.mjs [output folder]`, by default into `src/wire`.
 * The plugin's output needs two amendments under this project's compiler options: explicit types on the
 * exported constants (isolatedDeclarations), and no check of its bodies (noUncheckedIndexedAccess). A third
 * makes its readers refuse a message inside a message whose last field runs past its end.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name) => join(root, 'node_modules', '.bin', name);
const target = process.argv[2] ?? join(root, 'src', 'wire');
const work = mkdtempSync(join(tmpdir(), 'hypercore-wire-proto-'));

try {
  const template = JSON.stringify({
    version: 'v2',
    plugins: [
      {
        local: [bin('protoc-gen-ts')],
        out: work,
        opt: ['long_type_number', 'generate_dependencies', 'ts_nocheck', 'eslint_disable'],
      },
    ],
  });
  execFileSync(bin('buf'), ['generate', 'proto', '--template', template], { cwd: root, stdio: 'inherit' });
  for (const name of ['hypercore']) {
    const source = readFileSync(join(work, `${name}.ts`), 'utf8')
      .replace(/^export const (\w+) = new (\w+\$Type)\(\);/gm, 'export const $1: $2 = new $2();')
      .replace(/^class (\w+\$Type)/gm, 'export class $1')
      .replace(
        /^( {8})return message;\n( {4}}\n {4}internalBinaryWrite)/gm,
        '$1if (reader.pos > end)\n$1    throw new globalThis.RangeError("a field runs past its message");\n$1return message;\n$2',
      );
    writeFileSync(join(target, `${name}.ts`), source);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
