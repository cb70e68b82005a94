/**
 * The 32 bytes in front of the files with entries of one size: `05 02 57`, type, version 0, entry size in two
 * bytes, most significant first, then a name behind its length (DEP-0002, as hypercore 7 writes it).
 */
import { StorageError } from '../../errors.ts';

/** The files that have a header. */
export type HeadedFile = 'bitfield' | 'signatures' | 'tree';

/** Bytes of a header. */
export const HEADER_BYTES = 32;

const kinds: Record<HeadedFile, { type: number; entryBytes: readonly number[]; name: string }> = {
  // The older page size is that of hypercore before 6.22.1.
  bitfield: { type: 0, entryBytes: [3584, 3328], name: '' },
  signatures: { type: 1, entryBytes: [64], name: 'Ed25519' },
  tree: { type: 2, entryBytes: [40], name: 'BLAKE2b' },
};

/** The header of a file whose entries have `entryBytes`. */
export function header(file: HeadedFile, entryBytes: number): Uint8Array {
  const { type, name } = kinds[file];
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set([5, 2, 0x57, type, 0, entryBytes >> 8, entryBytes & 0xff, name.length]);
  for (let i = 0; i < name.length; i++) bytes[8 + i] = name.charCodeAt(i);
  return bytes;
}

/**
 * Reads a header.
 *
 * @param bytes the first 32 bytes of the file, or as many as it has
 * @returns the entry size; `undefined` where no header was written yet, or not wholly
 * @throws StorageError `foreign` for anything else
 */
export function readHeader(file: HeadedFile, bytes: Uint8Array): number | undefined {
  if (bytes.every((byte) => byte === 0)) return undefined;
  for (const entryBytes of kinds[file].entryBytes) {
    const expected = header(file, entryBytes);
    if (!bytes.every((byte, i) => byte === expected[i])) continue;
    return bytes.length < HEADER_BYTES ? undefined : entryBytes;
  }
  throw new StorageError(
    'foreign',
    `The file "${file}" is not one of a hypercore 7 feed (BLAKE2b tree, Ed25519 signatures). ` +
      'It was left as it is; name another folder.',
  );
}
