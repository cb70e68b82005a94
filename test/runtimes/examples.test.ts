/** The examples for Deno and Bun, as they are: each shares to the other, and downloads from hypercore 7.7.1. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { text } from '../interop/blocks.ts';
import { append, openHypercore } from '../interop/hypercore.ts';
import { serveTcp } from '../interop/server.ts';
import { runtimes } from './runtimes.mjs';

const work = mkdtempSync(join(tmpdir(), 'hypercore-wire-examples-'));
const running: ChildProcess[] = [];

afterAll(() => {
  for (const child of running) child.kill();
  rmSync(work, { recursive: true, force: true });
});

const example = (name: string, script: string): string =>
  fileURLToPath(new URL(`../../examples/${name.toLowerCase()}/${script}.ts`, import.meta.url));

/** What the example for downloading prints. */
async function download({ name, program, args }: (typeof runtimes)[number], key: string, url: string) {
  const words = [...args, example(name, 'sync'), key, url, join(work, name + key)];
  return (await promisify(execFile)(program, words)).stdout;
}

/** Starts the example for sharing; the key and the url of which it tells. */
async function share({ name, program, args }: (typeof runtimes)[number]): Promise<[string, string]> {
  const child = spawn(program, [...args, example(name, 'share')], { stdio: ['ignore', 'pipe', 'inherit'] });
  running.push(child);
  for await (const line of createInterface(child.stdout))
    return line.split(' ').slice(-2) as [string, string];
  throw new Error(`${name} ended before it shared`);
}

const [deno, bun] = runtimes as [(typeof runtimes)[number], (typeof runtimes)[number]];

it.each([
  { sharer: deno, reader: bun },
  { sharer: bun, reader: deno },
])('$sharer.name shares to $reader.name', async ({ sharer, reader }) => {
  const [key, url] = await share(sharer);
  expect(await download(reader, key, url)).toBe(`hello\nfrom\n${sharer.name}\n`);
});

it.each(runtimes)('$name downloads from hypercore', async (runtime) => {
  const feed = await openHypercore();
  await append(feed, ['a', 'real', 'hypercore'].map(text));
  const { url, close } = await serveTcp(feed);
  expect(await download(runtime, feed.key.toString('hex'), url)).toBe('a\nreal\nhypercore\n');
  close();
});
