/** What both sides of a test of messages need: a count that is waited for, and turns of the event loop. */

/** `take(n)` counts what came; `received(count)` resolves once so many came. */
export function counter() {
  let left = 0;
  let done = () => {};
  return {
    received: (count) => {
      left += count;
      return new Promise((resolve) => {
        done = resolve;
      });
    },
    take(n) {
      left -= n;
      if (left === 0) done();
    },
  };
}

/** Lets everything that is pending happen. A page has no `setImmediate`, and its timers wait. */
export const turn =
  globalThis.setImmediate === undefined
    ? () =>
        new Promise((resolve) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => {
            port1.close();
            resolve();
          };
          port2.postMessage(undefined);
        })
    : () => new Promise((resolve) => setImmediate(resolve));
