import type { FileName } from '../feed/storage.ts';

/** The files of a feed. */
const fileNames: readonly FileName[] = ['key', 'secret_key', 'tree', 'signatures', 'bitfield', 'data'];

export function isFileName(name: unknown): name is FileName {
  return fileNames.includes(name as FileName);
}
