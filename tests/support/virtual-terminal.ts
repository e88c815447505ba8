import { PassThrough, Writable } from 'node:stream';

const escape = '\u001b';

/** What a person would see: as much of a VT100 as readline and the terminal client use. Every character takes one cell. */
export class VirtualTerminal extends Writable {
  readonly isTTY = true;
  readonly columns: number;
  readonly rows: number;
  /** The keyboard. */
  readonly keys = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
  #lines: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor(columns: number, rows: number) {
    super({ decodeStrings: false });
    this.columns = columns;
    this.rows = rows;
  }

  hasColors(): boolean {
    return false;
  }

  /** The rows that are in view, without blanks at their ends and without the empty ones at the bottom. */
  get text(): string {
    return this.#lines
      .slice(-this.rows)
      .map((line) => line.join('').trimEnd())
      .join('\n')
      .trimEnd();
  }

  get cursor(): { readonly row: number; readonly column: number } {
    return { row: this.#row - Math.max(0, this.#lines.length - this.rows), column: this.#column };
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    const text = chunk.toString();
    for (let at = 0; at < text.length;) {
      const sequence = text[at] === escape ? /^\[(\d*)([A-Za-z])/.exec(text.slice(at + 1)) : null;
      if (sequence === null) this.#put(text[at] ?? '');
      else this.#control(sequence[2] ?? '', sequence[1] ?? '');
      at += sequence === null ? 1 : sequence[0].length + 1;
    }
    done();
  }

  #put(character: string): void {
    if (character === '\r') this.#column = 0;
    else if (character === '\n') this.#newLine();
    else {
      // The last column is full until something follows it.
      if (this.#column === this.columns) this.#newLine();
      this.#line(this.#row)[this.#column] = character;
      this.#column += 1;
    }
  }

  /** Terminals are set to begin a new line at its first column. */
  #newLine(): void {
    this.#row += 1;
    this.#column = 0;
    this.#line(this.#row);
  }

  #control(name: string, parameter: string): void {
    const count = Math.max(1, Number(parameter));
    const top = Math.max(0, this.#lines.length - this.rows);
    if (name === 'A') this.#row = Math.max(top, this.#row - count);
    else if (name === 'B') this.#row = Math.min(this.#lines.length - 1, this.#row + count);
    else if (name === 'C') this.#column = Math.min(this.columns - 1, this.#column + count);
    else if (name === 'D') this.#column = Math.max(0, this.#column - count);
    else if (name === 'G') this.#column = count - 1;
    else if (name === 'J' && Number(parameter) === 0) this.#clearBelow(top);
    else if (name !== 'm') throw new Error(`the virtual terminal does not know ESC [ ${parameter} ${name}`);
  }

  #clearBelow(top: number): void {
    this.#line(this.#row).splice(this.#column);
    // Rows that were in view stay; they are empty now.
    for (let row = this.#row + 1; row < this.#lines.length; row += 1) if (row >= top) this.#lines[row] = [];
  }

  #line(row: number): string[] {
    while (this.#lines.length <= row) this.#lines.push([]);
    const line = this.#lines[row] ?? [];
    while (line.length < this.#column) line.push(' ');
    return line;
  }
}
