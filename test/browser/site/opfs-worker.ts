/** Has the files of the origin, for the page that made it. */
import { opfsStorage, serveStorage } from 'hypercore-wire/storage/opfs';

serveStorage(globalThis, opfsStorage);
