/** `npm start`, from its first line to Ctrl-C. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { run, start, workFolder } from './run.ts';

const work = workFolder();
const shipped = fileURLToPath(new URL('../../demo/feed/', import.meta.url));

function snapshot(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(shipped).sort())
    hash.update(`${name} ${statSync(join(shipped, name)).mtimeMs}`);
  return hash.digest('hex');
}

it('shares, syncs in a second process, and serves on; the command that it prints works', async () => {
  const before = snapshot();
  expect(readdirSync(shipped)).not.toContain('secret_key');
  const demo = start(work, [], 'demo');
  const text = await new Promise<string>((resolve, reject) => {
    let said = '';
    demo.child.stdout!.on('data', (chunk: Buffer) => {
      said += chunk;
      if (said.includes('until Ctrl-C')) resolve(said);
    });
    void demo.ended.then(({ stderr }) => reject(new Error(stderr)));
  });
  expect(text).toMatch(/Verified 200 of 200 blocks/);
  expect(text).toMatch(/A list that nobody can rewrite/);
  const [, key, url] = /node dist\/cli\/main\.js sync ([0-9a-f]{64}) (tcp:\S+) --out/.exec(text)!;
  const [page] = /http:\/\/127\.0\.0\.1:\d+\//.exec(text)!;
  expect(await (await fetch(page)).text()).toContain('<h1>');
  expect(await (await fetch(`${page}shared.json`)).json()).toMatchObject({ key });
  const out = join(work, 'out');
  expect((await run(work, 'sync', key!, url!, '--out', out)).code).toBe(0);
  expect(readFileSync(out).equals(readFileSync(join(shipped, 'data')))).toBe(true);
  demo.child.kill('SIGINT');
  expect(await demo.ended).toMatchObject({ code: 0, stderr: '' });
  expect(demo.temporary()).toEqual([]);
  expect(snapshot()).toBe(before);
});
