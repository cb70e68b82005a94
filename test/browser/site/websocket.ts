/** WebSockets of a page. */
import { ProtocolError } from 'hypercore-wire';
import { dialWebSocket } from 'hypercore-wire/transport/websocket';
import { chunksOf, contract, type Kind, readAll } from '../../transport/contract.ts';

/** A WebSocket that counts its listeners. */
class Counting extends WebSocket {
  listeners = 0;

  override addEventListener(...listener: Parameters<WebSocket['addEventListener']>): void {
    this.listeners++;
    super.addEventListener(...listener);
  }

  override removeEventListener(...listener: Parameters<WebSocket['removeEventListener']>): void {
    this.listeners--;
    super.removeEventListener(...listener);
  }
}

/** One case of the transports' contract. `url` joins each two that connect, one after the other. */
export async function webSocketCase(name: string, url: string): Promise<void> {
  const kind: Kind = {
    async make() {
      const sockets: Counting[] = [];
      class Seen extends Counting {
        constructor(address: string) {
          super(address);
          sockets.push(this);
        }
      }
      return {
        here: await dialWebSocket(url, { WebSocket: Seen }),
        there: await dialWebSocket(url, { WebSocket: Seen, queueBytes: 4_194_304 }),
        leftovers: () => sockets.reduce((sum, { listeners }) => sum + listeners, 0),
        vanish: () => sockets[0]!.send('hang up'),
      };
    },
    bulkBytes: 33_554_432,
    onSlowReader: 'overflows',
    readOnAbort: 'rejected',
  };
  await contract.find((one) => one.name === name)!.run(kind);
}

/** Sends so many bytes, and takes them back from who echoes them, to the end. */
export async function webSocketEcho(url: string, megabytes: number): Promise<void> {
  const transport = await dialWebSocket(url);
  async function* sent(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let i = 0; i < megabytes; i++) yield new Uint8Array(1_000_000).fill(i);
  }
  let at = 0;
  const reading = (async () => {
    for await (const chunk of transport.source) {
      for (let i = 0; i < chunk.byteLength; i++, at++) {
        if (chunk[i] !== (Math.floor(at / 1_000_000) & 0xff)) throw new Error(`byte ${at} is ${chunk[i]}`);
      }
    }
  })();
  await Promise.all([transport.sink(sent()), reading]);
  if (at !== megabytes * 1_000_000) throw new Error(`${at} bytes came back`);
}

/** How a connection to this url fares that takes everything and says one byte: what its fault says, or `ended`. */
export async function webSocketFault(url: string): Promise<string> {
  try {
    const transport = await dialWebSocket(url);
    await Promise.all([readAll(transport.source), transport.sink(chunksOf(Uint8Array.of(1)))]);
    return 'ended';
  } catch (error) {
    return error instanceof ProtocolError
      ? error.message
      : `${(error as Error).name}: ${(error as Error).message}`;
  }
}
