interface Stream {
  readonly linkId: string;
  readonly partition: number;
}

/** A session's present stream number for each link and partition, from 0 (rule 3). */
export class StreamNumbers {
  /** Most sessions never refuse anything, so there is no map until one does. */
  #numbers: Map<string, number> | undefined;

  of(stream: Stream): number {
    return this.#numbers?.get(keyOf(stream)) ?? 0;
  }

  raise(stream: Stream): void {
    const number = this.of(stream) + 1;
    this.#numbers ??= new Map();
    this.#numbers.set(keyOf(stream), number);
  }

  /** The link broke: both sides count from 0 on the next one. */
  forget(linkId: string): void {
    for (const key of this.#numbers?.keys() ?? []) if (key.startsWith(`${linkId}/`)) this.#numbers?.delete(key);
  }
}

function keyOf({ linkId, partition }: Stream): string {
  return `${linkId}/${partition}`;
}
