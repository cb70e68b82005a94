/** The browser's errors, said so that a person knows what to do. */
import { StorageError } from '../../errors.ts';

/** Whether `error` is the platform's error of that name. */
export function isNamed(error: unknown, name: string): boolean {
  return (error as { name?: unknown } | null)?.name === name;
}

/** The `StorageError` for what went wrong at `path`; one that is a StorageError already stays as it is. */
export function fault(cause: unknown, path: string): StorageError {
  if (cause instanceof StorageError) return cause;
  if (isNamed(cause, 'NoModificationAllowedError')) return inUse(path, cause);
  if (isNamed(cause, 'TypeMismatchError')) {
    return new StorageError(
      'foreign',
      `A file is where ${path} should be, or a folder where it should have a file: name another folder.`,
      { cause },
    );
  }
  return new StorageError('platform', advice(cause, path), { cause });
}

export function inUse(path: string, cause?: unknown): StorageError {
  return new StorageError(
    'locked',
    `${path} is in use, by another tab or another feed: close that first, or name another folder.`,
    { cause },
  );
}

/** For a write of which the browser has done only a part. */
export function full(path: string, cause?: unknown): StorageError {
  return new StorageError(
    'platform',
    `The browser's storage is full: ${path} cannot grow. Clear blocks or remove folders that are not needed, or free some space on the disk, then try again.`,
    { cause },
  );
}

function advice(cause: unknown, path: string): string {
  if (isNamed(cause, 'QuotaExceededError')) return full(path).reason;
  if (isNamed(cause, 'NotFoundError') || isNamed(cause, 'InvalidStateError')) {
    return `The files of ${path} were removed while they were in use, as when a site's data is cleared: open it again.`;
  }
  return `${path}: ${cause instanceof Error ? cause.message : String(cause)}. Try again, or name another folder.`;
}
