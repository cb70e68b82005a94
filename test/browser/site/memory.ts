import { Feed, memoryPair, memoryStorage, replicate } from 'hypercore-wire';

/** Two feeds of one page: made, signed, sent, verified. */
export async function memory(): Promise<string[]> {
  const writer = await Feed.create(memoryStorage());
  await writer.append(['hello', 'world'].map((word) => new TextEncoder().encode(word)));
  const reader = await Feed.open(memoryStorage(), { key: writer.key });
  const [here, there] = memoryPair();
  await Promise.all([replicate(here, { feeds: writer }), replicate(there, { feeds: reader })]);
  const words: string[] = [];
  for await (const block of reader.read()) words.push(new TextDecoder().decode(block));
  return words;
}
