/** Offsets that are under way in one partition; tells how far everything is resolved. */
export class CommitTracker {
  readonly #unresolved = new Map<number, number>();
  #begun = false;
  #end = 0;

  /** How many records are under way. */
  get size(): number {
    return this.#unresolved.size;
  }

  /** Offsets come in order. `parts`: how many devices the record has to be resolved for. */
  begin(offset: number, parts: number): void {
    this.#begun = true;
    this.#end = offset + 1;
    if (parts > 0) this.#unresolved.set(offset, parts);
  }

  /** One device more has it, acked or in its inbox. `true` when that resolved the record. */
  resolve(offset: number): boolean {
    const parts = this.#unresolved.get(offset);
    if (parts === undefined) return false;
    if (parts > 1) {
      this.#unresolved.set(offset, parts - 1);
      return false;
    }
    this.#unresolved.delete(offset);
    return true;
  }

  /** Everything below is resolved; `undefined` before the first record. Offsets inside a Map stay in the order of their insertion. */
  resolvedUpTo(): number | undefined {
    if (!this.#begun) return undefined;
    const [oldest] = this.#unresolved.keys();
    return oldest ?? this.#end;
  }
}
