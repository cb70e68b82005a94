/** One contender of one row, in a process of its own, that samples when it is asked to. */
import { register } from 'node:module';
import { folderOf, loader } from './peers.mjs';
import { rows } from './rows/index.mjs';
import { contenderOf } from './rows/row.mjs';
import { sampler } from './sampler.mjs';

const { work, name, isCpu, ...context } = JSON.parse(process.argv[2]);
const row = rows.find((one) => one.work === work);
const { start, set } = contenderOf(row, name);
const now = () => {
  if (!isCpu) return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

// Our own native provider imports sodium-native by its name, which an app has installed beside us.
if (name === 'ours' && set !== undefined) {
  const parent = JSON.stringify(new URL('package.json', `file://${folderOf(set)}`).href);
  const hook = `export const resolve = (name, context, next) =>
    next(name, name === 'sodium-native' ? { ...context, parentURL: ${parent} } : context);`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}

process.on('disconnect', () => process.exit());
const { sample, close } = await sampler(row, start, { load: loader(set), ...context }, now);
process.on('message', async (message) => {
  if (message === 'sample') process.send({ sample: await sample() });
  else {
    await close();
    // Sessions and sockets of the peers may hold it open; exit also writes a profile.
    process.exit();
  }
});
process.send({ ready: true });
