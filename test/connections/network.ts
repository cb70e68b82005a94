/** A network in memory: hosts that dial each other, with latency, and wires that can be cut. */
import {
  Connections,
  type ConnectionsEvent,
  type ConnectionsOptions,
  Feed,
  memoryPair,
  memoryStorage,
  type Transport,
} from '../../src/index.ts';
import type { Clock } from '../../src/stream/clock.ts';
import { deferred } from '../../src/stream/deferred.ts';
import { FakeClock } from '../fake-clock.ts';

const sleep = (clock: Clock, ms: number): Promise<void> =>
  ms === 0 ? Promise.resolve() : new Promise((resolve) => clock.after(ms, resolve));

/** A line between two hosts. */
export class Wire {
  readonly ends: readonly [Transport, Transport];
  #isDead = false;

  /** `latency`: milliseconds that a chunk takes, asked for each. */
  constructor(clock: Clock, latency: () => number) {
    const [a, b] = memoryPair();
    const slow = (transport: Transport): Transport => {
      const isDead = (): boolean => this.#isDead;
      const aborted = deferred<never>();
      async function* source(): AsyncGenerator<Uint8Array, void> {
        try {
          for await (const chunk of transport.source) {
            await sleep(clock, latency());
            if (!isDead()) yield chunk;
          }
        } catch (error) {
          if (!isDead()) throw error;
        }
        // A dead wire tells nobody that it is dead.
        if (isDead()) await aborted.promise;
      }
      return {
        source: source(),
        sink: async (chunks) => {
          await transport.sink(chunks).catch((error) => {
            if (!isDead()) throw error;
          });
          if (isDead()) await aborted.promise;
        },
        abort: (reason) => {
          aborted.reject(reason);
          transport.abort(reason);
        },
      };
    };
    this.ends = [slow(a), slow(b)];
    this.#abort = () => a.abort();
  }

  readonly #abort: () => void;

  /** Both sides see that it is cut. */
  cut(): void {
    this.#abort();
  }

  /** Nothing comes through any more, and nobody is told. */
  die(): void {
    this.#isDead = true;
  }
}

/** One side, and what it told. */
export class Host {
  readonly connections: Connections;
  readonly events: ConnectionsEvent[] = [];

  constructor(options: ConnectionsOptions) {
    this.connections = new Connections(options);
    this.connections.subscribe((event) => void this.events.push(event));
  }

  get count(): number {
    return [...this.connections].length;
  }

  /** The types of the events of these types. */
  told<T extends ConnectionsEvent['type']>(type: T): Extract<ConnectionsEvent, { type: T }>[] {
    return this.events.filter(
      (event): event is Extract<ConnectionsEvent, { type: T }> => event.type === type,
    );
  }
}

export interface World {
  readonly clock: FakeClock;
  readonly writer: Host;
  readonly reader: Host;
  readonly source: Feed;
  readonly copy: Feed;
  /** Every wire that was laid. */
  readonly wires: Wire[];
  /** Dials from one host to another. */
  dial(to: Host): () => Promise<Transport>;
}

/** A host that writes a feed and one that copies it; larger ids decide. */
export async function world({
  writerId,
  readerId,
  latency = () => 0,
}: {
  writerId?: number;
  readerId?: number;
  latency?: () => number;
} = {}): Promise<World> {
  const clock = new FakeClock();
  const source = await Feed.create(memoryStorage());
  await source.append(Array.from({ length: 50 }, (_, i) => Uint8Array.of(i)));
  const copy = await Feed.open(memoryStorage(), { key: source.key });
  const host = (feeds: Feed, id: number | undefined): Host =>
    new Host({ feeds, clock, ...(id !== undefined && { id: new Uint8Array(32).fill(id) }) });
  const wires: Wire[] = [];
  return {
    clock,
    source,
    copy,
    wires,
    writer: host(source, writerId),
    reader: host(copy, readerId),
    dial: (to) => async () => {
      await sleep(clock, latency());
      const wire = new Wire(clock, latency);
      wires.push(wire);
      to.connections.add(wire.ends[1]);
      return wire.ends[0];
    },
  };
}
