/** A peer of the simulated world that has the feed's key, and says what it likes. */
import type { CryptoProvider } from '../../src/crypto/provider.ts';
import type { BlockStore } from '../../src/feed/block-store.ts';
import { connect, type Transport } from '../../src/index.ts';
import type { Data } from '../../src/wire/messages.ts';
import { answering, type Script } from '../feed/scripted-peer.ts';
import { ProgramClock, type World } from './world.ts';

const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));

const lies: readonly ((data: Data) => Data | undefined)[] = [
  (data) => ({ ...data, value: flip(data.value ?? new Uint8Array(1)) }),
  (data) => ({ ...data, value: undefined }),
  (data) => ({ ...data, nodes: data.nodes.map((node) => ({ ...node, hash: flip(node.hash) })) }),
  (data) => ({ ...data, nodes: data.nodes.map((node) => ({ ...node, size: node.size + 1 })) }),
  (data) => ({ ...data, nodes: data.nodes.slice(1) }),
  (data) => ({ ...data, signature: data.signature && flip(data.signature) }),
  (data) => ({ ...data, index: data.index + 1 }),
  () => undefined,
];

/** Connects a liar; `truth` is what it knows. */
export function lie(world: World, truth: BlockStore, crypto: CryptoProvider, transport: Transport): void {
  const { random } = world;
  const tell = random.pick(lies);
  const often = random.pick([0.05, 0.3, 1]);
  const refuses = random.chance(0.3);
  const boast = random.chance(0.3) ? 2 ** random.between(5, 45) : 0;
  const honest = answering(truth, (data) => (random.chance(often) ? tell(data) : data));
  const script: Script = async (message, channel) => {
    if (message.type === 'want' && boast > 0) channel.send({ type: 'have', start: 0, length: boast });
    if (message.type === 'request' && refuses && random.chance(often))
      channel.send({ type: 'unhave', start: message.index });
    else await honest(message, channel);
  };
  const clock = new ProgramClock(world);
  connect(transport, { key: truth.key, crypto, clock, live: true }).then(
    (session) => {
      session.open(truth.key).receive(async (batch) => {
        for (const message of batch) await script(message, session.open(truth.key));
      });
    },
    () => {},
  );
}
