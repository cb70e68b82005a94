/**
 * Breaks the program on purpose, one place at a time, and looks whether the tests notice: `node
 * test/hostile/mutations.mjs [number...]`. Each mutation is a replacement of text in a copy of the project, and
 * names the test files that are to fail. Prints which were caught; exits with 1 where one was not.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What is broken, where, the text and its replacement, and who is to notice. */
const mutations = [
  ['the frame limit is gone', 'src/wire/frame.ts', 'this.#length > this.#maxBytes ||', 'false ||', 'stream'],
  [
    'a fifth length byte is read',
    'src/wire/frame.ts',
    'const MAX_LENGTH_BYTES = 4;',
    'const MAX_LENGTH_BYTES = 5;',
    'stream',
  ],
  [
    'a channel past the limit is taken',
    'src/wire/codec.ts',
    'if (channel >= maxChannels)',
    'if (channel > maxChannels)',
    'stream',
  ],
  [
    'a message has fields without end',
    'src/wire/reader.ts',
    'if (++this.#fields > MAX_FIELDS)',
    'if (false)',
    'codec',
  ],
  [
    'a Feed on a number used before is not counted',
    'src/session/router.ts',
    'if (++this.#announced > max)',
    'if (false)',
    'stream',
  ],
  ['unreadable messages are not counted', 'src/session/router.ts', 'this.#unreadable++;', '', 'stream'],
  [
    'messages for an unopened feed are not counted',
    'src/session/router.ts',
    'channel.held.messages >= unopenedMessages',
    'false',
    'stream',
  ],
  [
    'bytes for an unopened feed are not counted',
    'src/session/router.ts',
    'this.#unopenedBytes += bytes;',
    '',
    'stream',
  ],
  [
    'an unopened feed waits for ever',
    'src/session/router.ts',
    'this.#expire(number, channel);',
    '',
    'stream',
  ],
  [
    'our own nonce is taken from a peer',
    'src/session/handshake.ts',
    'equals(remote.nonce, local.nonce)',
    'false',
    'stream',
  ],
  [
    'our own id is taken from a peer',
    'src/session/session.ts',
    'remote.id.byteLength > 0 && equals(remote.id, this.id)',
    'false',
    'stream',
  ],
  [
    'zeros before the Handshake are signs of life',
    'src/session/session.ts',
    'if (this.#remote !== undefined) this.#keepalive.received();',
    'this.#keepalive.received();',
    'stream',
  ],
  [
    'a session leaves a timer behind',
    'src/session/keepalive.ts',
    'this.#cancel?.();\n    this.#cancel = undefined;\n    this.#stopped = true;',
    'this.#stopped = true;',
    'stream',
  ],
  [
    'a signature is not looked at',
    'src/feed/merkle/verification.ts',
    'if (!valid)',
    'if (false)',
    'replication replicator',
  ],
  [
    'a proof is the root of nothing',
    'src/feed/merkle/verification.ts',
    'if (!roots.includes(top))',
    'if (false)',
    'proof',
  ],
  [
    'a proof of another hash is taken',
    'src/feed/merkle/verification.ts',
    'trusted !== undefined && sameHash(trusted.hash, top.hash)',
    'trusted !== undefined',
    'proof',
  ],
  [
    'a fork is taken for the truth',
    'src/feed/merkle/verification.ts',
    'agrees && differs === undefined',
    'agrees',
    'fork',
  ],
  [
    'the left child is the right one',
    'src/feed/merkle/verification.ts',
    'way.other < top.index ? parent(crypto, other, top)',
    'way.other > top.index ? parent(crypto, other, top)',
    'replicator',
  ],
  [
    'a feed of any length is taken',
    'src/feed/intake.ts',
    'assertLength(verified, limits);',
    '',
    'replication',
  ],
  [
    'a refusal is not counted',
    'src/feed/replication/standing.ts',
    "if (fault === 'refused') this.#refusals++;",
    '',
    'replication',
  ],
  [
    'a doubtful peer is asked like any other',
    'src/feed/replication/standing.ts',
    'return this.#total * BLOCKS_PER_FAULT',
    'return 0 * BLOCKS_PER_FAULT',
    'standing',
  ],
  [
    'Requests wait without limit',
    'src/feed/replication/uploader.ts',
    'if (waiting < this.#maxRequests) return;',
    'return;',
    'replication',
  ],
  [
    'news pile up for a peer that reads nothing',
    'src/feed/replication/uploader.ts',
    'if (this.#news.length > MAX_NEWS) this.#join();',
    '',
    'replication',
  ],
  [
    'whatever is received is progress',
    'src/feed/replication/deadline.ts',
    'at: hadProgress && !this.#wasInVain ? clock.now() : 0',
    'at: clock.now()',
    'replication',
  ],
  [
    'a block that nobody asked for is taken',
    'src/feed/replication/downloader.ts',
    'if (request === undefined && !this.#takeSeek())',
    'if (false)',
    'peer',
  ],
  ['a bitfield may unpack to anything', 'src/wire/rle.ts', 'if (size > maxBytes)', 'if (false)', 'peer'],
  [
    'blocks may be scattered without end',
    'src/feed/replication/remote-blocks.ts',
    'if (this.#bits.size <= MAX_BIT_PAGES && this.#whole.size <= MAX_RUNS) return;',
    'return;',
    'peer',
  ],
  [
    'a bit is written before its data',
    'src/feed/files/sleep-files.ts',
    '    await this.#writeLeft();\n    await this.#writeBytes(commit);\n',
    '    await this.#writeLeft();\n',
    'sleep-crash simulation',
  ],
  [
    'a bit is reported before it is on the disk',
    'src/feed/files/sleep-files.ts',
    "for (const pieces of writes) await this.#put('bitfield'",
    "for (const pieces of writes) void this.#put('bitfield'",
    'sleep-crash simulation',
  ],
  [
    'what a failed commit left stays',
    'src/feed/files/sleep-files.ts',
    'await this.#writeLeft();',
    '',
    'sleep-crash',
  ],
  [
    'a commit behind one that failed is reported',
    'src/feed/files/sleep-files.ts',
    'batch.concat(this.#waiting.splice(0))',
    'batch',
    'sleep-crash',
  ],
  [
    'nothing is flushed',
    'src/feed/files/sleep-files.ts',
    'await Promise.all([...files.keys()].map(async (name) => this.#storage.file(name).flush()));',
    '',
    'simulation',
  ],
  [
    'a closed peer stays',
    'src/feed/replication/replicator.ts',
    'if (!this.#peers.delete(peer)) return;',
    'if (!this.#peers.has(peer)) return;',
    'simulation fuzz',
  ],
  [
    'what a failed append left goes in any order',
    'src/feed/files/sleep-files.ts',
    'if (roots.length > 0) await',
    'if (false) await',
    'sleep-crash',
  ],
  [
    'a writer believes its bits alone',
    'src/feed/block-store.ts',
    'if (files.secretKey !== undefined) await regain(',
    'if (false) await regain(',
    'sleep-cut',
  ],
  [
    'a session that has ended goes on routing',
    'src/session/incoming.ts',
    'if (this.#ending.isOver) return;\n      this.#tracer.routed(packet);',
    'this.#tracer.routed(packet);',
    'stream',
  ],
  [
    'all blocks that came together have the hash of the first',
    'src/feed/intake.ts',
    'this.#prove(message, hashed.get(message))',
    'this.#prove(message, [...hashed.values()][0])',
    'replicator',
  ],
  [
    'what the app appends is kept and not copied',
    'src/feed/feed.ts',
    'const batch = given.map((block) => new Uint8Array(block));',
    'const batch = given;',
    'feed handed-over',
  ],
  [
    'a block keeps all that a peer sent along',
    'src/feed/files/commit.ts',
    '2 * lengths.get(buffer)! >= buffer.byteLength',
    'true',
    'handed-over',
  ],
];

const files = {
  codec: 'test/wire/codec.test.ts',
  stream: 'test/hostile/stream.test.ts',
  replication: 'test/hostile/replication.test.ts',
  fork: 'test/hostile/fork.test.ts',
  standing: 'test/hostile/standing.test.ts',
  fuzz: 'test/hostile/fuzz.test.ts',
  simulation: 'test/simulation/simulation.test.ts',
  peer: 'test/feed/peer.test.ts',
  replicator: 'test/feed/replicator.test.ts',
  proof: 'test/feed/proof.test.ts',
  'sleep-crash': 'test/feed/sleep-crash.test.ts',
  'sleep-cut': 'test/feed/sleep-cut.test.ts',
  'handed-over': 'test/feed/handed-over.test.ts',
  feed: 'test/feed/feed.test.ts',
};

const chosen = process.argv.slice(2).map(Number);
const copy = mkdtempSync(join(tmpdir(), 'hypercore-wire-mutations-'));
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
process.on('SIGINT', () => process.exit(130));
for (const name of ['src', 'test', 'proto', 'demo', 'package.json', 'tsconfig.json', 'vite.config.ts'])
  cpSync(join(root, name), join(copy, name), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));

// In one process, so that it can be ended as a whole.
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
let missed = 0;
for (const [i, [what, file, text, replacement, tests]] of mutations.entries()) {
  if (chosen.length > 0 && !chosen.includes(i + 1)) continue;
  const path = join(copy, file);
  const before = readFileSync(path, 'utf8');
  if (before.split(text).length !== 2) {
    missed++;
    console.log(`${i + 1}. ${what}: "${text}" is not there exactly once in ${file}`);
    continue;
  }
  writeFileSync(path, before.replace(text, replacement));
  const names = tests.split(' ').map((name) => files[name]);
  const { status } = spawnSync(
    process.execPath,
    [vitest, 'run', '--pool=threads', '--bail=1', '--testTimeout=60000', ...names],
    {
      cwd: copy,
      env: { ...process.env, SIMULATE_SEEDS: '60' },
      stdio: 'ignore',
      // A loop that leaves no turn to any timer is a bug that was found.
      timeout: 600_000,
      killSignal: 'SIGKILL',
    },
  );
  writeFileSync(path, before);
  if (status === 0) missed++;
  const how =
    status === 0 ? 'MISSED' : status === null ? 'caught, since nothing goes on any more,' : 'caught';
  console.log(`${i + 1}. ${what}: ${how} by ${tests}`);
}
console.log(missed === 0 ? 'all were caught' : `${missed} were missed`);
process.exitCode = missed === 0 ? 0 : 1;
