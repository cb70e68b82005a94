/** What an app does with the package, in a file that needs no platform to compile. */
import { type CreateOptions, connect, Feed, memoryPair, memoryStorage, replicate } from 'hypercore-wire';
import { type DialOptions, dialWebSocket } from 'hypercore-wire/transport/websocket';

type Crypto = Pick<CreateOptions, 'crypto'>;

/** Writes a feed, replicates it, and gives back what arrived. */
export async function sync(options: Crypto): Promise<number[]> {
  const writer = await Feed.create(memoryStorage(), options);
  await writer.append([Uint8Array.of(1, 2), Uint8Array.of(3)]);
  const reader = await Feed.open(memoryStorage(), { key: writer.key, ...options });
  const [here, there] = memoryPair();
  const [replication] = await Promise.all([
    replicate(here, { feeds: writer }),
    replicate(there, { feeds: reader }),
  ]);
  const bytes: number[] = [];
  for await (const block of reader.read()) bytes.push(...block);
  const { code } = await replication.closed;
  if (code === 'failed') throw new Error('the session failed');
  return bytes;
}

/** For the bundle: nobody calls it here. */
export async function meet(url: string, key: Uint8Array, options: Crypto & DialOptions): Promise<string> {
  const session = await connect(await dialWebSocket(url, options), { key, ...options });
  return (await session.close()).code;
}
