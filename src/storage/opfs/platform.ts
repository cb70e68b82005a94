/** The parts of a browser's file system that are used: the core needs no platform types. */
import { StorageError } from '../../errors.ts';

/** A file that is open, for its opener alone. */
export interface AccessHandle {
  getSize(): number;
  read(bytes: Uint8Array, options: { readonly at: number }): number;
  write(bytes: Uint8Array, options: { readonly at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

export interface FileHandle {
  createSyncAccessHandle(): Promise<AccessHandle>;
}

export interface DirectoryHandle {
  getDirectoryHandle(name: string, options?: { readonly create?: boolean }): Promise<DirectoryHandle>;
  getFileHandle(name: string, options?: { readonly create?: boolean }): Promise<FileHandle>;
  keys(): AsyncIterable<string>;
}

interface Platform {
  readonly navigator?: { readonly storage?: { getDirectory?(): Promise<DirectoryHandle> } };
  readonly FileSystemFileHandle?: { readonly prototype: Partial<FileHandle> };
}

/** The origin's own folder. @throws StorageError `unsupported` where there is none, or not here. */
export async function originFolder(): Promise<DirectoryHandle> {
  const { navigator, FileSystemFileHandle } = globalThis as unknown as Platform;
  const storage = navigator?.storage;
  if (storage?.getDirectory === undefined || FileSystemFileHandle === undefined) {
    throw new StorageError(
      'unsupported',
      'There is no OPFS here, as in old browsers and on pages that are neither https nor localhost: use memoryStorage(), which keeps nothing.',
    );
  }
  if (FileSystemFileHandle.prototype.createSyncAccessHandle === undefined) {
    throw new StorageError(
      'unsupported',
      'OPFS can be used in a dedicated worker only: call serveStorage(self, opfsStorage) in one, and remoteStorage(worker, folder) here.',
    );
  }
  try {
    return await storage.getDirectory();
  } catch (cause) {
    throw new StorageError(
      'unsupported',
      'The browser lets this page keep no files, as in a private window: use memoryStorage(), which keeps nothing.',
      { cause },
    );
  }
}
