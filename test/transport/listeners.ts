/** Listeners as a target itself is told of them, where its platform does not tell how many it has. */

interface Target {
  addEventListener(type: never, listener: never): void;
  removeEventListener(type: never, listener: never): void;
}

/** Counts the listeners that the targets get from now on, and still have. */
export function watchListeners(...targets: Target[]): () => number {
  const counts = targets.map(watch);
  return () => counts.reduce((sum, count) => sum + count(), 0);
}

function watch(target: Target): () => number {
  const listeners = new Map<unknown, Set<string>>();
  const { addEventListener, removeEventListener } = target;
  target.addEventListener = (type: string, listener: unknown) => {
    listeners.set(listener, (listeners.get(listener) ?? new Set()).add(type));
    addEventListener.call(target, type as never, listener as never);
  };
  target.removeEventListener = (type: string, listener: unknown) => {
    listeners.get(listener)?.delete(type);
    removeEventListener.call(target, type as never, listener as never);
  };
  return () => [...listeners.values()].reduce((sum, types) => sum + types.size, 0);
}
