/** A shared worker: its storage is wherever a page has handed it a port to. */
import { type PortLike, type RemoteStorage, remoteStorage } from 'hypercore-wire/storage/opfs';
import { answer } from './ask.ts';
import { storageScenarios } from './storage-scenarios.ts';

/** What the DOM's types do not have. */
const scope = self as unknown as {
  addEventListener(type: 'connect', listener: (event: MessageEvent) => void): void;
  close(): void;
};

const ports: PortLike[] = [];
let last: RemoteStorage | undefined;
const scenarios = {
  ...storageScenarios((folder) => (last = remoteStorage(ports, folder))),
  /** What was lost, once it is. */
  lost: async (): Promise<string> => String(await last?.closed),
  end: (): void => scope.close(),
};

scope.addEventListener('connect', ({ ports: [page] }) => {
  page!.addEventListener('message', ({ data }: MessageEvent) => {
    if (data.storage === undefined) return;
    ports.push(data.storage);
    page!.postMessage('taken');
  });
  answer(page!, scenarios);
  page!.start();
});
