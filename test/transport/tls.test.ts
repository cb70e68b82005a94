/** A feed over TLS. With a pre-shared key, so that the test needs no certificate. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { expect, it } from 'vitest';
import { Feed, memoryStorage, replicate } from '../../src/index.ts';
import { nodeTransport } from '../../src/transport/node.ts';

const psk = Buffer.alloc(32, 7);
const ciphers = 'PSK+AESGCM';

it('carries a feed, and both sides end', async () => {
  const server = createServer({
    ciphers,
    maxVersion: 'TLSv1.2',
    allowHalfOpen: true,
    pskCallback: () => psk,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const dialed = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    ciphers,
    maxVersion: 'TLSv1.2',
    pskCallback: () => ({ psk, identity: 'test' }),
    checkServerIdentity: () => undefined,
  });
  await once(dialed, 'secureConnect');
  const [socket] = await accepted;

  const writer = await Feed.create(memoryStorage());
  const blocks = Array.from({ length: 50 }, (_, i) => new Uint8Array(1000 * i).fill(i));
  await writer.append(blocks);
  const reader = await Feed.open(memoryStorage(), { key: writer.key });
  const [served, taken] = await Promise.all([
    replicate(nodeTransport(socket), { feeds: writer }),
    replicate(nodeTransport(dialed), { feeds: reader }),
  ]);
  expect(await served.closed).toEqual({ code: expect.stringMatching(/closed$/) });
  expect(await taken.closed).toEqual({ code: expect.stringMatching(/closed$/) });
  for (const [i, block] of blocks.entries()) expect(Buffer.compare(await reader.get(i), block)).toBe(0);
  server.close();
  await once(server, 'close');
});
