/**
 * Makes TypeScript of the .proto files: `node proto/generate.mjs [output folder]`, by default into `src/wire`.
 *
 * For each message the plugin makes an interface, and a class with all that protobuf-ts can do with it. Kept of
 * the class is what reads and writes bytes, as two functions: JSON, reflection and the rest would be half of what
 * an app loads. Reading is amended to refuse a message inside a message whose last field runs past its end.
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

/** The plugin's output without what the functions below do not use. */
function lean(source) {
  const result = source
    .replace(
      /^import .*\b(\w+Options|UnknownFieldHandler|PartialMessage|reflectionMergePartial|MessageType)\b.*\n/gm,
      '',
    )
    .replace(
      /^\/\/ @generated message type.*\n(class (\w+)\$Type [\s\S]*?\n}\n)[\s\S]*?new \2\$Type\(\);$/gm,
      functions,
    );
  const left = /.*(\$Type|\boptions\b|\bthis\.).*/.exec(result);
  if (left !== null) throw new Error(`not known how to make functions of: ${left[0]}`);
  return result;
}

/** What reads and what writes, of the class of one message. */
function functions(_, source, name) {
  const code = source
    .replace(/^ {4}/gm, '')
    .replace(/(\w+)\.internalBinaryRead\(/g, 'read$1(')
    .replace(/(\w+)\.internalBinaryWrite\(/g, 'write$1(')
    .replace(/, options\b/g, '');
  const [, defaults] = code.match(/ = globalThis\.Object\.create\(.*\n([\s\S]*?) {4}if \(value/);
  const [, fields] = code.match(/switch \(fieldNo\) {\n([\s\S]*?) {12}default:/);
  const [, writing] = code.match(/^internalBinaryWrite\(.*\n([\s\S]*?) {4}let u = /m);
  const empty = [...defaults.matchAll(/message\.(\w+) = (.*);/g)].map(
    ([, field, value]) => `${field}: ${value}`,
  );
  return `/** Reads a {@link ${name}} of \`length\` bytes. */
export function read${name}(reader: IBinaryReader, length: number, message: ${name} = { ${empty.join(', ')} }): ${name} {
    const end = reader.pos + length;
    while (reader.pos < end) {
        const [fieldNo, wireType] = reader.tag();
        switch (fieldNo) {
${fields}            default:
                reader.skip(wireType);
        }
    }
    if (reader.pos > end)
        throw new globalThis.RangeError("a field runs past its message");
    return message;
}
/** Writes a {@link ${name}}, without a length before it. */
export function write${name}(message: ${name}, writer: IBinaryWriter): IBinaryWriter {
${writing}    return writer;
}`;
}

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
  for (const name of ['hypercore', 'ephemeral', 'signed-ephemeral', 'sealed-ephemeral']) {
    const source = readFileSync(join(work, `${name}.ts`), 'utf8');
    writeFileSync(join(target, `${name}.ts`), lean(source));
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
