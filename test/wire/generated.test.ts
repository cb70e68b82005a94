import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
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
    expect(readFileSync(join(folder, 'hypercore.ts'), 'utf8')).toBe(
      readFileSync(at('src/wire/hypercore.ts'), 'utf8'),
    );
  });
});
