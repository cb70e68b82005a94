/**
 * `npm run fuzz -- --seconds 60 [--target session] [--seed 1] [--inputs 1000000] [--keep]`: changes inputs at random, and
 * goes on from those that reach code that none before has reached, as V8's own coverage tells. Each target gets
 * its part of the time. With `--keep`, what reached something new is added to the corpus, which the tests run.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../simulation/random.ts';
import { type Target, targets } from './targets.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    inputs: { type: 'string' },
    target: { type: 'string' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
  },
});

/** Inputs that run between two looks at the coverage. */
const BATCH = 200;
/** Milliseconds of one input that are worth a word. */
const SLOW_MS = 1000;
const folder = join(process.cwd(), 'test', 'hostile', 'corpus');

const random = new Random(Number(values.seed));
const inspector = new Session();
inspector.connect();
await inspector.post('Profiler.enable');
await inspector.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

const reached = new Set<string>();
let failures = 0;
let unhandled: unknown;
process.on('unhandledRejection', (error) => {
  unhandled = error;
});

/** The parts of the program that ran since the last look. */
async function look(): Promise<Set<string>> {
  const { result } = await inspector.post('Profiler.takePreciseCoverage');
  const ran = new Set<string>();
  for (const { url, functions } of result) {
    if (!url.includes('.test-run-')) continue;
    for (const { ranges } of functions)
      for (const { startOffset, endOffset, count } of ranges)
        if (count > 0) ran.add(`${startOffset}-${endOffset}`);
  }
  return ran;
}

function corpusOf(name: string): Uint8Array[] {
  try {
    const list: string[] = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
    return list.map((hex) => new Uint8Array(Buffer.from(hex, 'hex')));
  } catch {
    return [];
  }
}

function mutated(from: Uint8Array, other: Uint8Array): Uint8Array {
  let bytes = [...from];
  for (let times = random.between(1, 4); times > 0; times--) {
    const at = random.between(0, bytes.length);
    switch (random.between(0, 7)) {
      case 0:
        bytes[Math.min(at, Math.max(0, bytes.length - 1))] = random.between(0, 255);
        break;
      case 1:
        bytes.splice(at, 0, random.between(0, 255));
        break;
      case 2:
        bytes.splice(at, random.between(1, 8));
        break;
      case 3:
        bytes.splice(at, 0, ...bytes.slice(at, at + random.between(1, 16)));
        break;
      case 4:
        bytes.splice(at, 0, ...other.slice(random.between(0, other.length), random.between(0, other.length)));
        break;
      case 5:
        if (bytes.length > 0) bytes[at % bytes.length]! ^= 1 << random.between(0, 7);
        break;
      case 6:
        bytes.splice(at, 1, random.pick([0, 1, 0x7f, 0x80, 0xff]));
        break;
      default:
        bytes = bytes.slice(0, at);
    }
  }
  return Uint8Array.from(bytes.slice(0, 1500));
}

/** Whether the input did no harm. */
async function tried(target: Target, input: Uint8Array): Promise<boolean> {
  const start = performance.now();
  try {
    const running = target.run(input);
    if (running !== undefined) await running;
    if (unhandled !== undefined) throw unhandled;
  } catch (error) {
    unhandled = undefined;
    failures++;
    console.log(
      `${target.name} FAILED with ${Buffer.from(input).toString('hex')}\n${(error as Error)?.stack ?? error}`,
    );
    return false;
  }
  const ms = performance.now() - start;
  if (ms > SLOW_MS)
    console.log(`${target.name} took ${ms.toFixed(0)} ms with ${Buffer.from(input).toString('hex')}`);
  return true;
}

async function fuzz(target: Target, ms: number, most: number): Promise<number> {
  const kept = corpusOf(target.name);
  const pool = [...target.seeds, ...kept];
  for (const input of pool) await tried(target, input);
  for (const part of await look()) reached.add(part);
  const end = performance.now() + ms;
  let inputs = pool.length;
  let news = 0;
  const failuresBefore = failures;
  while (performance.now() < end && inputs < most && failures < failuresBefore + 3) {
    const batch = Array.from({ length: BATCH }, () => mutated(random.pick(pool), random.pick(pool)));
    for (const input of batch) await tried(target, input);
    inputs += batch.length;
    const fresh = new Set([...(await look())].filter((part) => !reached.has(part)));
    // Which one it was: each is run again alone, until all that was new has been seen again.
    for (const input of batch) {
      if (fresh.size === 0) break;
      await tried(target, input);
      const ran = await look();
      if (![...fresh].some((part) => ran.has(part))) continue;
      for (const part of ran) {
        fresh.delete(part);
        reached.add(part);
      }
      news++;
      pool.push(input);
      kept.push(input);
    }
    for (const part of fresh) reached.add(part);
  }
  if (values.keep && kept.length > 0) {
    const hex = [...new Set(kept.map((input) => Buffer.from(input).toString('hex')))].sort(
      (a, b) => a.length - b.length,
    );
    writeFileSync(join(folder, `${target.name}.json`), `${JSON.stringify(hex, null, 1)}\n`);
  }
  console.log(`${target.name}: ${inputs} inputs, ${news} reached something new, ${pool.length} in the pool`);
  return inputs;
}

const chosen = targets.filter(({ name }) => values.target === undefined || name === values.target);
const before = process.memoryUsage().heapUsed;
let total = 0;
for (const target of chosen) {
  const most = values.inputs === undefined ? Number.POSITIVE_INFINITY : Number(values.inputs) / chosen.length;
  total += await fuzz(target, (1000 * Number(values.seconds)) / chosen.length, most);
}
globalThis.gc?.();
const grown = (process.memoryUsage().heapUsed - before) / 2 ** 20;
console.log(`${total} inputs, ${failures} failures, heap grown by ${grown.toFixed(1)} MiB`);
process.exitCode = failures === 0 ? 0 : 1;
