import type { MessageId } from '../../sdk/index.js';

/** More than a screen holds. */
const remembered = 1_000;

/** Short numbers by which one names messages that are on the screen, from 1. */
export class ShownNumbers {
  readonly #numbers = new Map<MessageId, number>();
  #last = 0;

  /** A message keeps its number. */
  numberOf(messageId: MessageId): number {
    const known = this.#numbers.get(messageId);
    if (known !== undefined) return known;
    this.#last += 1;
    this.#numbers.set(messageId, this.#last);
    const [oldest] = this.#numbers.keys();
    if (this.#numbers.size > remembered && oldest !== undefined) this.#numbers.delete(oldest);
    return this.#last;
  }

  messageOf(number: number): MessageId | undefined {
    return [...this.#numbers].find(([, known]) => known === number)?.[0];
  }
}
