import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { code } from '../../src/crypto/xsalsa20/simd-code.ts';

const at = (path: string): string =>
  fileURLToPath(new URL(`../../src/crypto/xsalsa20/${path}`, import.meta.url));

describe('the code of the kernel', () => {
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
