/** Listeners by the name of what they hear. They are called in the order in which they came, after what they are told of is durable. */
export class EventListeners<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => unknown>>();

  /** Answers the call that ends it. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => unknown): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Calls every listener, whatever the ones before it did. Resolves when those that answered a promise are done, with what any of them threw. */
  async emit<Name extends keyof Events>(name: Name, event: Events[Name]): Promise<readonly unknown[]> {
    const calls = [...(this.#listeners.get(name) ?? [])].map((listener) => called(listener as (event: Events[Name]) => unknown, event));
    const ends = await Promise.allSettled(calls);
    return ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  }

  isHeard(name: keyof Events): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0;
  }
}

/** At once; a listener that throws, and one whose promise rejects, look the same. */
async function called<Event>(listener: (event: Event) => unknown, event: Event): Promise<void> {
  await listener(event);
}
