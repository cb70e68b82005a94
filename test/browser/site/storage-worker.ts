/** Has the files. Runs scenarios on them itself, too. */
import { opfsStorage, serveStorage } from 'hypercore-wire/storage/opfs';
import { answer } from './ask.ts';
import { stoppingScenarios } from './stopping.ts';
import { storageScenarios } from './storage-scenarios.ts';

/** Folders that are named so are not waited for. */
const storageOf = (folder: string) => opfsStorage(folder, folder.startsWith('brief') ? { waitMs: 50 } : {});

serveStorage(self, storageOf);
answer(self as unknown as Worker, {
  ...storageScenarios(storageOf),
  ...stoppingScenarios(storageOf, (message) => self.postMessage(message)),
});
