/**
 * A few programs that share a feed while everything goes wrong, and then nothing any more. At all times: what can
 * be read is what the writer said, and what was reported stored stays. In the end: whoever can have everything
 * has it, nothing is waited for, and nothing is kept.
 */
import { libsodium } from '../../src/crypto/libsodium.ts';
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import { truthOf } from '../feed/scripted-peer.ts';
import { lie } from './liar.ts';
import { Link } from './network.ts';
import { Program, type Truth } from './program.ts';
import { Violation, World } from './world.ts';

export interface Outcome {
  readonly seed: number;
  /** Over all that happened: the same seed has the same one. */
  readonly hash: string;
  /** What must not be and was, or undefined. */
  readonly violation: string | undefined;
  /** What happened, where that was asked for. */
  readonly lines: readonly string[];
}

const sodium = await libsodium();

/** Runs one seed. The same seed runs the same way every time. */
export async function simulate(
  seed: number,
  keepsLines = false,
  broken: { readonly liesAboutFlush?: boolean } = {},
): Promise<Outcome> {
  const world = new World(seed, keepsLines);
  let violation: string | undefined;
  try {
    await run(world, broken.liesAboutFlush ?? false);
  } catch (error) {
    violation = error instanceof Violation ? error.message : String((error as Error).stack ?? error);
  }
  return { seed, hash: world.hash, violation, lines: world.lines };
}

async function run(world: World, liesAboutFlush: boolean): Promise<void> {
  const { random } = world;
  const crypto: CryptoProvider = { ...sodium, randomBytes: (length) => random.bytes(length) };
  const keyPair = crypto.keyPair(random.bytes(32));
  const truth: Truth = { blocks: [], pending: [], failed: [] };
  const options = { world, crypto, truth, key: keyPair.publicKey };
  const writer = new Program({ ...options, name: 'writer', keyPair, sparse: false });
  const readers = Array.from(
    { length: random.between(1, 4) },
    (_, i) => new Program({ ...options, name: `reader ${i}`, sparse: random.chance(0.3) }),
  );
  const programs = [writer, ...readers];
  for (const { disk } of programs) disk.liesAboutFlush = liesAboutFlush;
  let links: Link[] = [];

  const block = (): Uint8Array =>
    random.bytes(random.chance(0.1) ? random.between(2000, 20_000) : random.between(0, 300));
  const append = (): Promise<void> => writer.append(Array.from({ length: random.between(1, 6) }, block));
  const link = (a: Program, b: Program, isGood: boolean): void => {
    const joined = new Link(world, links.length, [a.name, b.name], isGood);
    links.push(joined);
    world.log(joined.name);
    a.connect(joined.ends[0], isGood || random.chance(0.5), false);
    b.connect(joined.ends[1], isGood || random.chance(0.5), random.chance(0.5));
  };
  const someBlock = (): number => random.between(0, Math.max(4, truth.blocks.length + 3));
  const patience = (): AbortSignal => {
    const stop = new AbortController();
    world.after(random.between(100, 30_000), () => stop.abort(new Error('no patience')));
    return stop.signal;
  };
  const liar = async (a: Program): Promise<void> => {
    const joined = new Link(world, links.length, [a.name, 'a liar'], false);
    links.push(joined);
    world.log(joined.name);
    const known = await truthOf([], keyPair);
    for (const said of truth.blocks.slice(0, random.between(0, truth.blocks.length)))
      await known.append([said]);
    a.connect(joined.ends[0], random.chance(0.5), random.chance(0.5));
    lie(world, known, crypto, joined.ends[1]);
  };

  /** What can happen, and how often in comparison. */
  const happenings: readonly [number, () => unknown][] = [
    [10, () => link(random.pick(programs), random.pick(programs), random.chance(0.5))],
    [5, append],
    [3, () => random.pick(readers).get(someBlock(), patience())],
    [1, () => random.pick(programs).seek(random.between(0, 5000), patience())],
    [1, () => random.pick(readers).read(someBlock(), someBlock() + 20, patience())],
    [1, () => random.pick(readers).download(0, someBlock(), random.between(0, 20_000))],
    [2, () => random.pick(programs).check()],
    [
      1,
      () => {
        const start = someBlock();
        return random.pick(readers).clear(start, start + random.between(0, 5));
      },
    ],
    [2, () => pickLink()?.cut()],
    [1, () => pickLink()?.halfOpen()],
    [2, () => pickLink()?.flip()],
    [1, () => pickLink()?.stall(random.between(100, 20_000))],
    [2, () => liar(random.pick(readers))],
    [2, () => restart(random.pick(programs), true)],
    [1, () => restart(random.pick(programs), false)],
    [
      1,
      () => {
        random.pick(programs).disk.failing = random.pick([0, 0.02, 0.3]);
      },
    ],
    [
      1,
      () => {
        random.pick(programs).disk.misreading = random.pick([0, 0.01]);
      },
    ],
    [
      1,
      () => {
        const { disk } = random.pick(programs);
        disk.isFull = !disk.isFull;
      },
    ],
    [
      1,
      () => {
        const { disk } = random.pick(programs);
        disk.isSlow = !disk.isSlow;
      },
    ],
  ];
  const pickLink = (): Link | undefined => {
    const up = links.filter(({ isUp }) => isUp);
    return up.length === 0 ? undefined : random.pick(up);
  };
  const restart = async (program: Program, isKilled: boolean): Promise<void> => {
    if (isKilled) program.kill();
    else await program.stop();
    for (const one of links) if (isKilled && one.isUp && one.joins(program)) one.cut();
    await world.delay(random.between(0, 2000));
    if (program.feed === undefined) await program.start();
  };
  const happen = (): unknown => {
    let at = random.next() * happenings.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, fn] of happenings) if ((at -= weight) < 0) return fn();
    return undefined;
  };

  for (const program of programs) void program.start();
  await world.run(100);
  void append();
  for (let left = random.between(10, 60); left > 0; left--) {
    await world.run(random.chance(0.3) ? random.between(0, 5000) : random.between(0, 200));
    void Promise.resolve(happen()).catch((error) => world.violate(`unexpected: ${(error as Error).stack}`));
  }

  // From here on nothing goes wrong any more.
  world.log('all is well');
  for (const { disk } of programs) disk.mend();
  for (const one of links) if (one.isUp) one.cut();
  await world.run(30_000);
  links = [];
  for (const program of programs) {
    void program.stop();
  }
  await world.run(30_000);
  for (const program of programs) {
    if (program.waiting.length > 0)
      world.violate(`${program.name} still waits for ${program.waiting.join(', ')}`);
    if (program.clock.pending > 0) world.violate(`${program.name} has ${program.clock.pending} timers left`);
    void program.start();
  }
  await world.run(1000);
  for (const program of programs)
    if (program.feed === undefined) world.violate(`${program.name} does not start`);
  await world.run(0);
  // Each is joined with one before it, so that all are.
  for (let i = 1; i < programs.length; i++) link(programs[random.between(0, i - 1)]!, programs[i]!, true);
  if (random.chance(0.5)) link(random.pick(programs), random.pick(programs), true);
  void append();
  await world.run(500);
  for (const reader of readers) if (reader.sparse) reader.download(0, truth.blocks.length, 600_000);
  await world.run(120_000, () => programs.every((program) => program.isComplete));
  for (const program of programs) {
    const { feed } = program;
    if (!program.isComplete)
      world.violate(
        `${program.name} ends with ${feed?.count()} of ${truth.blocks.length} blocks, length ${feed?.length}`,
      );
    void program.check();
  }
  await world.run(1000);
  for (const program of programs) void program.stop();
  await world.run(60_000);
  for (const program of programs) {
    if (program.waiting.length > 0)
      world.violate(`${program.name} waits for ever for ${program.waiting.join(', ')}`);
    if (program.clock.pending > 0)
      world.violate(`${program.name} leaves ${program.clock.pending} timers behind`);
  }
  for (const one of links) if (one.isUp) world.violate(`${one.name} is still up`);
  await world.run(0);
}
