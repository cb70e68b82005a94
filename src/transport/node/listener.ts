import { describe } from '../../errors.ts';

/** A server that hands out transports, one for each connection. */
export interface Listener {
  readonly host: string;
  /** The port in use; the system's choice if 0 was asked for. */
  readonly port: number;
  /** Stops listening. Open connections stay, and the promise resolves once the last one has closed. */
  close(): Promise<void>;
}

/** Asked before anything listens: a mistake would show only with the first connection. @throws TypeError */
export function assertListening(host: unknown, onTransport: unknown): void {
  if (typeof host !== 'string')
    throw new TypeError(`"host" expected an address, as in '127.0.0.1', got ${describe(host)}`);
  if (typeof onTransport !== 'function')
    throw new TypeError(`"onTransport" expected a function, got ${describe(onTransport)}`);
}
