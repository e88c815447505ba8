import { seededRandom } from '../seeded-random.js';

/** Choices that are the same for the same seed. */
export class Chance {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  /** Throws if there is none. */
  one<Item>(items: readonly Item[]): Item {
    const found = this.maybe(items);
    if (found === undefined) throw new Error('there is none to choose from');
    return found;
  }

  maybe<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.random() * items.length)];
  }

  /** Each as often as its weight says. */
  weighted<Item>(items: readonly (readonly [Item, number])[]): Item {
    return this.one(items.flatMap(([item, weight]) => Array<Item>(weight).fill(item)));
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    return items
      .map((item) => ({ item, at: this.random() }))
      .sort((one, other) => one.at - other.at)
      .map(({ item }) => item);
  }
}
