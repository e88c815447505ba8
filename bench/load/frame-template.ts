interface Hole {
  readonly offset: number;
  readonly bytes: number;
}

/** A frame that was encoded once, with places that are overwritten in each copy. */
export class FrameTemplate {
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes);
  }

  /** Where these bytes stand. Throws RangeError unless they occur exactly once. */
  hole(marker: Uint8Array): Hole {
    const offset = this.#bytes.indexOf(marker);
    if (offset < 0 || this.#bytes.indexOf(marker, offset + 1) >= 0) throw new RangeError('the marker must occur exactly once in the template');
    return { offset, bytes: marker.byteLength };
  }

  copy(): Buffer {
    const copy = Buffer.allocUnsafe(this.#bytes.byteLength);
    this.#bytes.copy(copy);
    return copy;
  }
}
