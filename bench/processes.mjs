/** Contenders as processes: each has its own heap and its own compiled code, and is idle while another one runs. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('contender.mjs', import.meta.url));

/** Starts a contender; it has warmed up once this resolves. `profiles` names a folder for its CPU profile. */
export async function startProcess(row, name, { isQuick, isCpu, profiles }) {
  const child = fork(program, [JSON.stringify({ work: row.work, name, isQuick, isCpu })], {
    execArgv: [
      '--expose-gc',
      ...(profiles === undefined
        ? []
        : ['--cpu-prof', `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${fileName(row.work, name)}`]),
    ],
    // The reference says on stderr what it misses.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const message = () =>
    new Promise((resolve, reject) => {
      const exited = (code) => reject(new Error(`"${row.work}", ${name}: its process exited with ${code}`));
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
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.send('close');
      await exited;
    },
  };
}

const fileName = (work, name) => `${`${work} ${name}`.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}.cpuprofile`;
