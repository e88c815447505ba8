interface Telling {
  /** Answers whether a frame was sent. */
  tell(): boolean;
}

/** Watches that may have something to tell. They wait for their turn, not the news: who comes to it gets the state as it is then, so a storm of changes costs no more frames in a second than a calm one. */
export class FramePacer<Watch extends Telling> {
  readonly #waiting = new Set<Watch>();
  readonly #framesPerTurn: number;

  constructor(framesPerTurn: number) {
    this.#framesPerTurn = framesPerTurn;
  }

  add(watch: Watch): void {
    this.#waiting.add(watch);
  }

  remove(watch: Watch): void {
    this.#waiting.delete(watch);
  }

  /** In the order in which they came. Answers how many frames were sent. */
  turn(): number {
    let sent = 0;
    for (const watch of this.#waiting) {
      if (sent === this.#framesPerTurn) break;
      this.#waiting.delete(watch);
      if (watch.tell()) sent += 1;
    }
    return sent;
  }
}
