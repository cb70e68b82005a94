/** Both sides of a storage over a port, for tests: a server in this thread, or answers by hand. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, expect, vi } from 'vitest';
import type { StorageError } from '../../src/errors.ts';
import type { Storage } from '../../src/feed/storage.ts';
import { memoryStorage } from '../../src/storage/memory.ts';
import type { Call, DoorMessage } from '../../src/storage/port/messages.ts';
import { type RemoteStorage, remoteStorage } from '../../src/storage/port/remote.ts';
import { type StorageServer, serveStorage } from '../../src/storage/port/serve.ts';

export const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A port that leads to a server of storages, in this thread. */
export function served(open: (folder: string) => Storage): { port: MessagePort; server: StorageServer } {
  const { port1, port2 } = new MessageChannel();
  const server = serveStorage(port2, open);
  ends.push(() => {
    port1.close();
    return server.close();
  });
  return { port: port1, server };
}

/** Storages in memory by their folder's name. */
export function folders(): (folder: string) => Storage {
  const made = new Map<string, Storage>();
  return (folder) => {
    if (!made.has(folder)) made.set(folder, memoryStorage());
    return made.get(folder)!;
  };
}

export async function opened(port: MessagePort, folder = 'feed'): Promise<RemoteStorage> {
  const storage = remoteStorage(port, folder);
  await storage.open();
  return storage;
}

/** Answers by hand: takes calls as they come, and says what it is told. */
export interface Scripted {
  readonly port: MessagePort;
  /** Messages that came over the folder's port. */
  readonly messages: Call[][];
  /** Resolves once there are so many. */
  come(count: number): Promise<void>;
  say(message: unknown): void;
  /** Answers what has come with these values. */
  answer(...values: unknown[]): void;
  close(): void;
}

export function scripted(): Scripted {
  const { port1, port2 } = new MessageChannel();
  const messages: Call[][] = [];
  let folder: MessagePort | undefined;
  port2.on('message', (message: DoorMessage) => {
    folder = message.port as MessagePort;
    folder.on('message', (calls: Call[]) => {
      messages.push(calls);
      if (calls[0]?.call === 'open') folder!.postMessage({ answers: [{ value: undefined }] });
    });
    folder.postMessage({ life: undefined });
  });
  const close = (): void => {
    folder?.close();
    port2.close();
  };
  ends.push(close);
  return {
    port: port1,
    messages,
    come: (count) => vi.waitFor(() => expect(messages).toHaveLength(count)),
    say: (message) => folder!.postMessage(message),
    answer: (...values) => folder!.postMessage({ answers: values.map((value) => ({ value })) }),
    close,
  };
}

export const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
export const errorOf = (promise: PromiseLike<unknown> | unknown): Promise<StorageError> =>
  Promise.resolve(promise).then(
    () => expect.unreachable(),
    (error) => error,
  );
