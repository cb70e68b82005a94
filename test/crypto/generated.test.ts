import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { code as blake2b } from '../../src/crypto/blake2b/simd-code.ts';
import { code as xsalsa20 } from '../../src/crypto/xsalsa20/simd-code.ts';

describe.each([
  ['xsalsa20', xsalsa20],
  ['blake2b', blake2b],
])('the code of the kernel of %s', (name, code) => {
  const at = (path: string): string =>
    fileURLToPath(new URL(`../../src/crypto/${name}/${path}`, import.meta.url));

  it('is in step with its source', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hypercore-wire-kernel-'));
    try {
      execFileSync(process.execPath, [at('generate.mjs'), join(folder, 'made.ts')], { stdio: 'pipe' });
      expect(readFileSync(join(folder, 'made.ts'), 'utf8')).toBe(readFileSync(at('simd-code.ts'), 'utf8'));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('is small enough for a page to compile at once', () => {
    expect(code.length / 2).toBeLessThan(4096);
  });
});
