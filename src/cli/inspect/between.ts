/** `inspect --listen … --to …`: whoever connects to the one talks to the other, and is read along. */
import { ProtocolError, type Transport } from '../../index.ts';
import { type CapturedEvent, type CaptureEvent, Inspector } from '../../inspect/index.ts';
import { dialTcp, dialWebSocket, type Listener, listenTcp, listenWebSocket } from '../../transport/node.ts';
import { CommandError, exitCodes, reasonOf } from '../exit.ts';
import type { Output } from '../output.ts';
import { aborted } from '../process.ts';
import { inUrl, listenAdvice } from '../serve.ts';
import type { PeerUrl } from '../words.ts';
import type { InspectCommand, RelaySource } from './arguments.ts';
import { relay } from './relay.ts';
import { type Report, report } from './report.ts';
import { type Save, save } from './save.ts';

/** Milliseconds until a connection to the peer must stand. */
const DIAL_MS = 7500;

/**
 * Listens until the signal aborts.
 * @throws CommandError at the end: its reason, or what this machine cannot do.
 */
export async function between(
  { keys, show, source: { listen, to, origins, save: path } }: InspectCommand & { source: RelaySource },
  output: Output,
  signal: AbortSignal,
): Promise<never> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort(signal.reason);
  signal.addEventListener('abort', onSignal);
  const file = path === undefined ? undefined : await save(path, (error) => stop.abort(error));
  const room = new Room(keys, to, report(show, output), output, file, stop.signal);
  try {
    const url = await room.listen(listen, origins).catch(async (error: unknown) => {
      await file?.discard();
      throw error;
    });
    output.event({ event: 'listening', url });
    output.line(`Listening on ${url}, and passing on to ${to.text}. Ctrl-C ends it.`);
    if (signal.aborted) onSignal();
    await aborted(stop.signal);
  } finally {
    signal.removeEventListener('abort', onSignal);
    stop.abort(new Error('the inspection has ended'));
    await room.close();
  }
  await file?.close();
  throw stop.signal.reason;
}

/** The connections, as they come. */
class Room {
  readonly #keys: readonly Uint8Array[];
  readonly #to: PeerUrl;
  readonly #report: Report;
  readonly #output: Output;
  readonly #file: Save | undefined;
  readonly #signal: AbortSignal;
  readonly #startedAt = performance.now();
  readonly #running = new Set<Promise<void>>();
  #listener: Listener | undefined;
  #count = 0;

  constructor(
    keys: readonly Uint8Array[],
    to: PeerUrl,
    told: Report,
    output: Output,
    file: Save | undefined,
    signal: AbortSignal,
  ) {
    this.#keys = keys;
    this.#to = to;
    this.#report = told;
    this.#output = output;
    this.#file = file;
    this.#signal = signal;
  }

  /** @returns the url to connect to. */
  async listen({ scheme, host, port }: RelaySource['listen'], origins: readonly string[]): Promise<string> {
    const onTransport = (transport: Transport, address: string): void => {
      if (this.#signal.aborted) return transport.abort();
      const running = this.#run(transport, address).finally(() => this.#running.delete(running));
      this.#running.add(running);
    };
    const onError = (error: Error): void => this.#refused(error);
    const listening =
      scheme === 'tcp'
        ? listenTcp(port, host, onTransport, onError)
        : listenWebSocket(port, host, onTransport, { origins, onError });
    this.#listener = await listening.catch((error: NodeJS.ErrnoException) => {
      throw new CommandError(exitCodes.machine, listenAdvice(error, '--listen', port, host), error);
    });
    return `${scheme}://${inUrl(host)}:${this.#listener.port}`;
  }

  /** Once nothing is left of any connection. */
  async close(): Promise<void> {
    await Promise.all([this.#listener?.close(), ...this.#running]);
  }

  /** Never rejects: a connection that fails is told, and the others go on. */
  async #run(client: Transport, address: string): Promise<void> {
    const peer = await this.#dial().catch((error: unknown) => {
      client.abort(error);
      if (!this.#signal.aborted) this.#refused(error);
    });
    if (peer === undefined) return;
    const connection = ++this.#count;
    const tell = (event: CapturedEvent): void => this.#report.tell(event);
    const begun = { connection, time: this.#now(), from: address, to: this.#to.text };
    tell({ event: 'connection', ...begun });
    this.#keep({ type: 'connection', ...begun });
    const inspector = new Inspector({
      keys: this.#keys,
      listener: (event) => tell({ ...event, connection }),
    });
    await relay(
      client,
      peer,
      {
        onBytes: async (direction, bytes) => {
          const time = this.#now();
          this.#keep({ type: 'bytes', connection, time, direction, bytes });
          inspector.push(direction, bytes, time);
          await this.#report.drained();
          await this.#file?.drained();
        },
        onEnd: (direction, error) => {
          const time = this.#now();
          this.#keep({ type: 'end', connection, time, direction, error });
          inspector.end(direction, time, error);
        },
      },
      this.#signal,
    );
    inspector.finish(this.#now());
  }

  async #dial(): Promise<Transport> {
    const late = AbortSignal.timeout(DIAL_MS);
    const signal = AbortSignal.any([this.#signal, late]);
    const to = this.#to;
    try {
      if (to.scheme === 'tcp') return await dialTcp(to.port, to.host, signal);
      return await dialWebSocket(to.text, { signal });
    } catch (error) {
      if (!late.aborted) throw error;
      throw new ProtocolError('timeout', `nothing answers at ${to.text} within ${DIAL_MS / 1000} s`);
    }
  }

  #keep(event: Exclude<CaptureEvent, { type: 'note' | 'missing' }>): void {
    this.#file?.write(event);
  }

  #refused(error: unknown): void {
    this.#output.event({ event: 'refused', error: reasonOf(error) });
    this.#output.line(`A connection failed: ${reasonOf(error)}`);
  }

  #now(): number {
    return performance.now() - this.#startedAt;
  }
}
