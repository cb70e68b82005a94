/** What can be listened to: a port, a Worker, and `self` inside of one. */
export interface PortListener {
  addEventListener(type: PortEvent, listener: (event: object) => void): void;
  removeEventListener(type: PortEvent, listener: (event: object) => void): void;
  /** A MessagePort holds its messages back until then. */
  start?(): void;
}

/** The part of a MessagePort that is used; a Worker has it too. */
export interface PortLike extends PortListener {
  postMessage(message: unknown, transfer?: readonly object[]): void;
  close?(): void;
}

/** `close` is told by Node, `error` by a Worker. */
export type PortEvent = 'message' | 'messageerror' | 'close' | 'error';

/** Two ports, each of which gets what is posted to the other. */
export function messageChannel(): { readonly port1: PortLike; readonly port2: PortLike } {
  const { MessageChannel } = globalThis as unknown as {
    MessageChannel: new () => { readonly port1: PortLike; readonly port2: PortLike };
  };
  return new MessageChannel();
}

/** Calls `onMessage` with what comes; `onEnd` once where nothing more can. The returned function stops both. */
export function listen(
  port: PortListener,
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
