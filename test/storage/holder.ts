/** A process of its own that opens a folder when told, says how that went, and holds it until it is killed. */
import { createInterface } from 'node:readline';
import { nodeStorage } from '../../src/storage/node.ts';

const storage = nodeStorage(process.argv[2]!);
for await (const line of createInterface({ input: process.stdin })) {
  try {
    if (line === 'open') await storage.open();
    if (line === 'write') await storage.file('key').write(0, new Uint8Array(32));
    if (line === 'close') await storage.close();
    console.log('done');
  } catch (error) {
    console.log(error instanceof Error && 'code' in error ? String(error.code) : String(error));
  }
}
