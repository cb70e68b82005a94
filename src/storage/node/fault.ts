/** The platform's errors, said so that a person knows what to do. */
import { StorageError } from '../../errors.ts';

/** Whether `error` is a system error with one of `codes`. */
export function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/** The `StorageError` for what went wrong at `path`; one that is a StorageError already stays as it is. */
export function fault(error: unknown, path: string): StorageError {
  if (error instanceof StorageError) return error;
  return new StorageError('platform', advice(error, path), { cause: error });
}

function advice(error: unknown, path: string): string {
  if (isCode(error, 'ENOSPC', 'EDQUOT'))
    return `Disk full: free some space on the disk of ${path}, then try again.`;
  if (isCode(error, 'EACCES', 'EPERM'))
    return `No permission for ${path}: change who may use it, or name another folder.`;
  if (isCode(error, 'EROFS')) return `${path} is on a disk that is read-only: name a folder on another one.`;
  if (isCode(error, 'EISDIR')) return `${path} is a folder where a file was expected: name another folder.`;
  if (isCode(error, 'ENOTDIR'))
    return `${path} has a file on its way where a folder was expected: name another folder.`;
  if (isCode(error, 'EMFILE', 'ENFILE'))
    return `Too many files are open for ${path}: raise the limit (ulimit -n).`;
  if (isCode(error, 'EFBIG'))
    return `${path} grows past what the file system can hold: name a folder on another one.`;
  if (isCode(error, 'EIO'))
    return `The disk fails to read or write ${path}: check the disk, and keep a copy of the folder.`;
  return `${path}: ${error instanceof Error ? error.message : String(error)}. Name another folder, or try again.`;
}
