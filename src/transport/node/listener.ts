/** A server that hands out transports, one for each connection. */
export interface Listener {
  readonly host: string;
  /** The port in use; the system's choice if 0 was asked for. */
  readonly port: number;
  /** Stops listening. Open connections stay, and the promise resolves once the last one has closed. */
  close(): Promise<void>;
}
