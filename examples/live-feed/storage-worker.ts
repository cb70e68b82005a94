/** Has the files of the page's copy: browsers let only a worker of one page write in place. */
import { opfsStorage, serveStorage } from 'hypercore-wire/storage/opfs';

serveStorage(self, opfsStorage);
