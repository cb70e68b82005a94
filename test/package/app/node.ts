/** Over TCP and from one folder to another. */
import { deepEqual } from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Feed, replicate } from 'hypercore-wire';
import { noble } from 'hypercore-wire/crypto/noble';
import { nodeStorage } from 'hypercore-wire/storage/node';
import { dialTcp, listenTcp } from 'hypercore-wire/transport/node';
import { run as runMain } from './main.js';
import { run as runStrict } from './strict.js';

deepEqual(await runMain(), [1, 2, 3]);
deepEqual(await runStrict(), [1, 2, 3]);

const folder = await mkdtemp(join(tmpdir(), 'hypercore-wire-app-'));
const feed = await Feed.create(nodeStorage(join(folder, 'feed')));
await feed.append(Uint8Array.of(1, 2, 3));
const server = await listenTcp(0, '127.0.0.1', (transport) => void replicate(transport, { feeds: feed }));
// The two ends of one connection may have different providers.
const copy = await Feed.open(nodeStorage(join(folder, 'copy')), { key: feed.key, crypto: noble });
const replication = await replicate(await dialTcp(server.port), { feeds: copy });
deepEqual([...(await copy.get(0))], [1, 2, 3]);
await replication.close();
await server.close();
await feed.close();
await copy.close();
await rm(folder, { recursive: true });
