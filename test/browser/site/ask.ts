/** Scenarios that run in another thread: called by name, answered with what they return. */

/** A port of a worker, or a worker itself. */
interface Port {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
  removeEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
}

interface Question {
  readonly ask: number;
  readonly name: string;
  readonly args: readonly never[];
}

let asked = 0;

/** The scenarios of another thread, as functions that return promises. */
export type Remote<Scenarios> = {
  [Name in keyof Scenarios]: Scenarios[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};

export function remote<Scenarios>(port: Port): Remote<Scenarios> {
  const call = (name: PropertyKey, args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const ask = asked++;
      const onMessage = ({ data }: MessageEvent): void => {
        if (data.answer !== ask) return;
        port.removeEventListener('message', onMessage);
        if ('error' in data) reject(new Error(data.error));
        else resolve(data.value);
      };
      port.addEventListener('message', onMessage);
      port.postMessage({ ask, name, args });
    });
  return new Proxy({} as Remote<Scenarios>, {
    // Else it would be taken for a promise.
    get: (_, name) => (name === 'then' ? undefined : (...args: unknown[]) => call(name, args)),
  });
}

/** Answers with these scenarios. */
export function answer(port: Port, scenarios: object): void {
  port.addEventListener('message', async ({ data }: MessageEvent<Question>) => {
    if (data?.ask === undefined) return;
    const act = (scenarios as Record<string, (...args: readonly never[]) => unknown>)[data.name]!;
    try {
      port.postMessage({ answer: data.ask, value: await act(...data.args) });
    } catch (error) {
      port.postMessage({ answer: data.ask, error: String(error) });
    }
  });
}
