/** Workers that are terminated while they download, and what the next one finds. */
import { remote } from './ask.ts';
import { startWorker, type WorkerScenarios } from './opfs.ts';
import type { Progress } from './stopping.ts';
import { type Blocks, removeFolder } from './storage-scenarios.ts';

/** Stops a download at each write and flush in turn, by terminating its worker. Returns what was not as it should be. */
export async function crashEverywhere(blocks: Blocks): Promise<{ crashes: number; wrong: string[] }> {
  const wrong: string[] = [];
  for (let stopAt = 1; ; stopAt++) {
    const folder = `crash-${stopAt}`;
    await removeFolder(folder);
    const one = startWorker();
    const stored: number[] = [];
    const stopped = new Promise<boolean>((resolve) => {
      one.addEventListener('message', ({ data }: MessageEvent<Progress>) => {
        if ('stored' in data) stored.push(data.stored);
        if ('stopped' in data) resolve(true);
      });
    });
    const done = remote<WorkerScenarios>(one)
      .downloadUntil(folder, blocks, stopAt, stopAt % 2 === 0)
      .then(() => false);
    const hasStopped = await Promise.race([stopped, done]);
    one.terminate();
    wrong.push(...(await goneOn(folder, blocks, stored)).map((what) => `stopped at ${stopAt}: ${what}`));
    await removeFolder(folder);
    if (!hasStopped) return { crashes: stopAt - 1, wrong };
  }
}

/** Terminates a worker at any moment, again and again, each time with a new one that goes on. */
export async function crashAnyTime(
  folder: string,
  blocks: Blocks,
  afterStored: readonly number[],
): Promise<{ rounds: number[]; wrong: string[] }> {
  const wrong: string[] = [];
  const rounds: number[] = [];
  let before: number[] = [];
  for (const count of afterStored) {
    const one = startWorker();
    const stored: number[] = [];
    const enough = new Promise<void>((resolve) => {
      one.addEventListener('message', ({ data }: MessageEvent<Progress>) => {
        if ('stored' in data && stored.push(data.stored) >= count) resolve();
      });
    });
    const done = remote<WorkerScenarios>(one).downloadUntil(folder, blocks);
    await Promise.race([enough, done]);
    // Whatever it does now.
    await new Promise((resolve) => setTimeout(resolve, stored.length % 5));
    one.terminate();
    const two = startWorker();
    const held = await remote<WorkerScenarios>(two).held(folder);
    two.terminate();
    for (const index of [...before, ...stored])
      if (!held.includes(index)) wrong.push(`block ${index} was lost`);
    for (const index of stored) if (before.includes(index)) wrong.push(`block ${index} came again`);
    before = held;
    rounds.push(held.length);
  }
  return { rounds, wrong };
}

async function goneOn(
  folder: string,
  { count, bytes }: Blocks,
  stored: readonly number[],
): Promise<string[]> {
  const wrong: string[] = [];
  const one = startWorker();
  try {
    const next = remote<WorkerScenarios>(one);
    const held = await next.held(folder);
    for (const index of stored) if (!held.includes(index)) wrong.push(`block ${index} was lost`);
    const came = await next.download(folder, { count, bytes });
    for (const index of came) if (held.includes(index)) wrong.push(`block ${index} came again`);
    if (came.length + held.length !== count) wrong.push(`${came.length} came, and ${held.length} were here`);
    if ((await next.held(folder)).length !== count) wrong.push('not all are here in the end');
  } catch (error) {
    wrong.push(String(error));
  } finally {
    one.terminate();
  }
  return wrong;
}
