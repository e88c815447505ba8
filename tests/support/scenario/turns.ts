import type { Name } from './script.js';

/** Work that begins when all work before it that uses the same things has ended. */
export class Turns {
  readonly #last = new Map<Name, Promise<unknown>>();

  run<Result>(uses: readonly Name[], work: () => Promise<Result>): Promise<Result> {
    const before = uses.map((name) => this.#last.get(name) ?? Promise.resolve());
    const done = Promise.all(before).then(work);
    const ended = done.catch(() => undefined);
    for (const name of uses) this.#last.set(name, ended);
    return done;
  }
}
