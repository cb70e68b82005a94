import { it } from 'vitest';
import { Feed, memoryStorage, replicate } from '../../src/index.ts';
import { listenTcp, dialTcp } from '../../src/transport/node.ts';
import { DamagedTransport, flipBit } from '../feed/damaged-transport.ts';
import { blocksOf } from '../interop/blocks.ts';
it('x', async () => {
  const single = await Feed.create(memoryStorage());
  await single.append(blocksOf(12, 60).slice(1, 2));
  const H = 25;
  const clock = { now: () => performance.now() * H, after(ms: number, fn: () => void) { const t = setTimeout(fn, ms / H); return () => clearTimeout(t); } };
  const t0 = performance.now();
  const log = (who: string) => (e: any) => performance.now() - t0 < 1500 && console.log(who, Math.round(performance.now() - t0), JSON.stringify(e, (k, v) => v instanceof Uint8Array ? Buffer.from(v).toString('hex').slice(0, 24) : v));
  const l = await listenTcp(0, '127.0.0.1', (t) => { replicate(new DamagedTransport(t, { out: flipBit(Number(process.env.POS), Number(process.env.BIT)) }), { feeds: () => single, live: true, clock, trace: log('S') }).catch(console.log); });
  const feed = await Feed.open(memoryStorage(), { key: single.key });
  const r = await replicate(await dialTcp(l.port), { feeds: feed, clock, trace: log('C') });
  console.log(await Promise.race([r.closed, new Promise((r) => setTimeout(() => r('hang'), 3000))]));
  console.log(feed.length, feed.remoteLength, r.session.remote);
  r.abort(); await l.close();
}, 60000);
