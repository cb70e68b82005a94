/** A worker thread that serves storages in memory over the port that it is given. */
import { workerData } from 'node:worker_threads';
import { memoryStorage } from '../../src/storage/memory.ts';
import { serveStorage } from '../../src/storage/port/serve.ts';

serveStorage(workerData, memoryStorage);
