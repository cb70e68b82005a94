/**
 * Makes TypeScript of the .proto files: `node proto/generate.mjs [output folder]`, by default into `src/wire`.
 *
 * For each message the plugin makes an interface, and a class with all that protobuf-ts can do with it. Kept of
 * the class is what reads and writes bytes, as two functions over our own reader and writer: JSON, reflection and
 * the rest would be half of what an app loads, and protobuf-ts's own reader and writer are several times slower.
 * Reading is amended to refuse a message inside a message whose last field runs past its end.
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
  const imports =
    "import type { Reader } from './reader.ts';\nimport type { FieldWriter } from './writer.ts';\n";
  const result = source
    .replace(/(^import .*\n)+/m, imports)
    .replace(/^( {4}\w+\?: .*?);/gm, '$1 | undefined;')
    .replace(
      /^\/\/ @generated message type.*\n(class (\w+)\$Type [\s\S]*?\n}\n)[\s\S]*?new \2\$Type\(\);$/gm,
      functions,
    );
  const left = /.*(\$Type|\boptions\b|\bthis\.|\bWireType\b|\.fork\b|\.toNumber\b).*/.exec(result);
  if (left !== null) throw new Error(`not known how to make functions of: ${left[0]}`);
  return result;
}

/** What reads and what writes, of the class of one message. */
function functions(_, source, name) {
  const code = source.replace(/^ {4}/gm, '');
  const [, defaults] = code.match(/ = globalThis\.Object\.create\(.*\n([\s\S]*?) {4}if \(value/);
  const [, reading] = code.match(/switch \(fieldNo\) {\n([\s\S]*?) {12}default:/);
  const [, writing] = code.match(/^internalBinaryWrite\(.*\n([\s\S]*?) {4}let u = /m);
  // All fields from the start: objects of one shape are what makes reading them fast.
  const given = Object.fromEntries(
    [...defaults.matchAll(/message\.(\w+) = (.*);/g)].map(([, field, value]) => [field, value]),
  );
  const fields = [...new Set([...reading.matchAll(/message\.(\w+)/g)].map(([, field]) => field))];
  const empty = fields.map((field) => `${field}: ${given[field] ?? 'undefined'}`);
  return `/** Reads a {@link ${name}} of \`length\` bytes. */
export function read${name}(reader: Reader, length: number, message: ${name} = { ${empty.join(', ')} }): ${name} {
    const end = reader.pos + length;
    while (reader.pos < end) {
        const tag = reader.tag();
        switch (tag >>> 3) {
${readingWith(reading)}            default:
                reader.skip(tag);
        }
    }
    if (reader.pos > end)
        throw new RangeError("a field runs past its message");
    return message;
}
/** Writes a {@link ${name}}, without a length before it. */
export function write${name}(message: ${name}, writer: FieldWriter): void {
${writingWith(writing)}}`;
}

/** By our reader: numbers are numbers. */
function readingWith(code) {
  return code
    .replace(/(\w+)\.internalBinaryRead\(/g, 'read$1(')
    .replace(/, options\b/g, '')
    .replace(/\.uint64\(\)\.toNumber\(\)/g, '.uint64()');
}

/** By our writer: a tag is a number, and a message in a message a field like any other. */
function writingWith(code) {
  return code
    .replace(
      /(\w+)\.internalBinaryWrite\((\S+), (writer\.tag\(.*\))\.fork\(\), options\)\.join\(\)/g,
      '$3.message($2, write$1)',
    )
    .replace(/for \(let i = 0; i < (message\.\w+)\.length; i\+\+\)/g, 'for (const one of $1)')
    .replace(/message\.\w+\[i\]/g, 'one')
    .replace(/\.tag\((\d+), WireType\.(\w+)\)\.(\w+)\(/g, (_, field, wireType, method) => {
      const tag = Number(field) * 8 + { Varint: 0, LengthDelimited: 2 }[wireType];
      if (!(tag < 0x80)) throw new Error(`the tag of field ${field} does not fit a byte`);
      return `.${method}(${tag}, `;
    });
}

try {
  const template = JSON.stringify({
    version: 'v2',
    plugins: [
      {
        local: [bin('protoc-gen-ts')],
        out: work,
        opt: ['long_type_number', 'generate_dependencies', 'eslint_disable'],
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
