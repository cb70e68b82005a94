/**
 * The 32 bytes in front of the files with entries of one size: `05 02 57`, type, version 0, entry size in two
 * bytes, most significant first, then a name behind its length (DEP-0002, as hypercore 7 writes it).
 */
import { StorageError } from '../../errors.ts';

/** The files that have a header. */
export type HeadedFile = 'bitfield' | 'signatures' | 'tree';

/** Bytes of a header. */
export const HEADER_BYTES = 32;
/** Bytes of a tree node: hash and size. */
export const NODE_BYTES = 40;
/** Bytes of a signature. */
export const SIGNATURE_BYTES = 64;

/** Bytes of one page of the bitfield: hypercore >= 6.22.1 writes 3584, older versions wrote 3328. */
export type BitfieldPageSize = 3584 | 3328;
export const bitfieldPageSizes: readonly [BitfieldPageSize, BitfieldPageSize] = [3584, 3328];
/** Bytes of a page's block bits, which come first. */
export const PAGE_BLOCK_BYTES = 1024;
/** Bytes of a page's tree bits, which follow them. The index takes the rest. */
export const PAGE_NODE_BYTES = 2048;

const kinds: Record<HeadedFile, { type: number; entryBytes: readonly number[]; name: string }> = {
  bitfield: { type: 0, entryBytes: bitfieldPageSizes, name: '' },
  signatures: { type: 1, entryBytes: [SIGNATURE_BYTES], name: 'Ed25519' },
  tree: { type: 2, entryBytes: [NODE_BYTES], name: 'BLAKE2b' },
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
