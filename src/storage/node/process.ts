/** Which process this is, and whether another still lives: a number alone is used again for the next one. */
import { readFile, readlink } from 'node:fs/promises';

/** A process, as told apart from all others on this machine. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in clock ticks since boot; '' where the platform does not tell. */
  readonly start: string;
  /** Which boot of the machine; '' where the platform does not tell. */
  readonly boot: string;
  /** Which numbering of processes, since containers have their own; '' where the platform does not tell. */
  readonly namespace: string;
}

/** This process. */
export async function thisProcess(): Promise<ProcessIdentity> {
  return {
    pid: process.pid,
    start: (await status('self'))?.start ?? '',
    boot: (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim(),
    namespace: await readlink('/proc/self/ns/pid').catch(() => ''),
  };
}

/** Whether `other` can be looked up from here: one of another container cannot. */
export function isVisible(other: ProcessIdentity, self: ProcessIdentity): boolean {
  return other.namespace === '' || self.namespace === '' || other.namespace === self.namespace;
}

/** Whether `other` still runs. One that cannot be looked up counts as running. */
export async function isRunning(other: ProcessIdentity, self: ProcessIdentity): Promise<boolean> {
  // No process outlives its boot.
  if (other.boot !== '' && self.boot !== '' && other.boot !== self.boot) return false;
  if (!isVisible(other, self)) return true;
  const now = await status(String(other.pid));
  if (now !== undefined) {
    // A zombie was killed, and its parent has not asked yet.
    if (now.state === 'Z' || now.state === 'X') return false;
    return other.start === '' || other.start === now.start;
  }
  try {
    process.kill(other.pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** State and start time of a process by Linux's /proc, or undefined. */
async function status(pid: string): Promise<{ state: string; start: string } | undefined> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (line === undefined) return undefined;
  // The second field is the name in brackets, and may have spaces and brackets. Then come fields 3 and on.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', start: fields[19] ?? '' };
}
