/** The part of a MessagePort that is used; a Worker, and the inside of one, have it too. */
export interface PortLike {
  /** Takes objects to transfer; `never`, as TypeScript takes the scope of a worker for that of a window. */
  postMessage(message: unknown, transfer?: never): void;
  addEventListener(type: PortEvent, listener: (event: object) => void): void;
  removeEventListener(type: PortEvent, listener: (event: object) => void): void;
  /** A MessagePort holds its messages back until then. */
  start?(): void;
  close?(): void;
}

/** `close` is told by Node, `error` by a Worker. */
export type PortEvent = 'message' | 'messageerror' | 'close' | 'error';

/** Posts a message, and gives away what is in `transfer`. */
export function post(port: PortLike, message: unknown, transfer: readonly object[] = []): void {
  port.postMessage(message, transfer as never);
}

/** Two ports, each of which gets what is posted to the other. */
export function messageChannel(): { readonly port1: PortLike; readonly port2: PortLike } {
  const { MessageChannel } = globalThis as unknown as {
    MessageChannel: new () => { readonly port1: PortLike; readonly port2: PortLike };
  };
  return new MessageChannel();
}

/** Calls `onMessage` with what comes; `onEnd` once where nothing more can. The returned function stops both. */
export function listen(
  port: PortLike,
  onMessage: (data: unknown) => void,
  onEnd: (why: string) => void = () => {},
): () => void {
  const message = (event: { data?: unknown }): void => onMessage(event.data);
  const closed = (): void => onEnd('its port was closed');
  const unreadable = (): void => onEnd('a message could not be read');
  port.addEventListener('message', message);
  port.addEventListener('close', closed);
  port.addEventListener('messageerror', unreadable);
  port.start?.();
  return () => {
    port.removeEventListener('message', message);
    port.removeEventListener('close', closed);
    port.removeEventListener('messageerror', unreadable);
  };
}
