/** Some of many at a time, in turn; those that come and go meanwhile have theirs as the iterator finds them. */
export class InTurn<Item> {
  readonly #all: () => Iterator<Item, undefined>;
  #round: Iterator<Item, undefined> | undefined;

  constructor(all: () => Iterator<Item, undefined>) {
    this.#all = all;
  }

  /** At most so many; fewer at the end of a round, behind which the next one begins. */
  take(count: number): Item[] {
    const taken: Item[] = [];
    const round = (this.#round ??= this.#all());
    while (taken.length < count) {
      const next = round.next();
      if (next.done === true) {
        this.#round = undefined;
        break;
      }
      taken.push(next.value);
    }
    return taken;
  }
}
