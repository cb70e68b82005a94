import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

describe('the generated code', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hypercore-wire-generated-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is in step with the .proto', () => {
    execFileSync(process.execPath, [at('proto/generate.mjs'), folder], { stdio: 'pipe' });
    const files = readdirSync(folder);
    expect(files).toHaveLength(readdirSync(at('proto')).filter((name) => name.endsWith('.proto')).length);
    for (const file of files) {
      expect(readFileSync(join(folder, file), 'utf8'), file).toBe(
        readFileSync(at(`src/wire/${file}`), 'utf8'),
      );
    }
  });
});
