/** Contenders as processes of Node: each has its own heap and its own compiled code, and is idle while another runs. */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('contender.mjs', import.meta.url));

/** `profiles` names a folder for CPU profiles, one for each contender. */
export function openProcesses({ profiles, ...options }) {
  // For what one contender makes for others.
  const folder = mkdtempSync(join(tmpdir(), 'hypercore-wire-bench-'));
  return {
    name: `Node ${process.versions.node}`,
    has: () => true,
    start: (row, name) => start(row, name, { ...options, folder }, profiles),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Starts a contender; it has warmed up once this resolves. */
async function start({ work }, name, options, profiles) {
  const profile = `${`${work} ${name}`.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}.cpuprofile`;
  const profiling = ['--cpu-prof', `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${profile}`];
  const child = fork(program, [JSON.stringify({ work, name, ...options })], {
    execArgv: ['--expose-gc', ...(profiles === undefined ? [] : profiling)],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const message = () =>
    new Promise((resolve, reject) => {
      const exited = (code) => reject(new Error(`"${work}", ${name}: its process exited with ${code}`));
      child.once('exit', exited);
      child.once('message', (value) => {
        child.off('exit', exited);
        resolve(value);
      });
    });
  await message();
  return {
    async sample() {
      child.send('sample');
      return (await message()).sample;
    },
    async close() {
      if (child.exitCode !== null) return;
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.send('close');
      await exited;
    },
  };
}
