import { createInterface, type Interface } from 'node:readline';
import type { WriteStream } from 'node:tty';

import type { Screen } from './screen.js';
import { textCells } from './text-cells.js';

export type TerminalOutput = NodeJS.WritableStream & Partial<Pick<WriteStream, 'columns' | 'rows' | 'hasColors'>>;

interface Printed {
  readonly id: string | undefined;
  readonly line: string;
}

/** More than a screen holds. */
const keptLines = 500;
const clearBelow = '\r\u001b[J';
const up = (rows: number) => (rows <= 0 ? '' : `\u001b[${rows}A`);

/** A terminal: the prompt with what is being typed at the bottom, lines above it. A line is drawn again by drawing everything from there on. */
export class TerminalScreen implements Screen {
  readonly interactive = true;
  onTyped: (text: string) => void = () => undefined;
  readonly #output: TerminalOutput;
  readonly #readline: Interface;
  readonly #typed: AsyncIterator<string>;
  readonly #printed: Printed[] = [];
  #closed = false;

  constructor(input: NodeJS.ReadableStream, output: TerminalOutput) {
    this.#output = output;
    this.#readline = createInterface({ input, output, terminal: true, prompt: '> ' });
    // What was pasted can pass the end of a row without readline noticing, which then draws the prompt anew where it takes the row to be.
    input.on('keypress', () => {
      (this.#readline as unknown as { prevRows: number }).prevRows = this.#cursorRow();
      this.onTyped(this.#readline.line);
    });
    this.#readline.on('line', (line) => {
      this.#takeAway(line);
    });
    this.#readline.once('close', () => {
      // The prompt goes, so that the shell's own begins its line.
      output.write(`${up(this.#cursorRow())}${clearBelow}`);
      this.#closed = true;
    });
    this.#typed = this.#readline[Symbol.asyncIterator]();
  }

  get colour(): boolean {
    return this.#output.hasColors?.() ?? false;
  }

  get lastId(): string | undefined {
    return this.#printed.at(-1)?.id;
  }

  print(text: string, id?: string): void {
    const lines = text.split('\n').map((line) => ({ id, line }));
    this.#draw(this.#cursorRow(), lines);
    this.#printed.push(...lines);
    this.#printed.splice(0, this.#printed.length - keptLines);
  }

  redraw(id: string, line: string): boolean {
    const index = this.#printed.findLastIndex((printed) => printed.id === id);
    if (index === -1 || this.#closed) return false;
    const rows = this.#printed.slice(index).reduce((sum, printed) => sum + this.#rowsOf(printed.line), 0);
    if (rows + this.#cursorRow() >= (this.#output.rows || 24)) return false;
    this.#printed[index] = { id, line };
    this.#draw(rows + this.#cursorRow(), this.#printed.slice(index));
    return true;
  }

  setPrompt(prompt: string): void {
    const rows = this.#cursorRow();
    this.#readline.setPrompt(prompt);
    this.#draw(rows, []);
  }

  lines(): AsyncIterable<string> {
    return { [Symbol.asyncIterator]: () => this.#typed };
  }

  close(): void {
    this.#readline.close();
  }

  /** Instead of so many rows above the cursor. */
  #draw(rowsAbove: number, lines: readonly Printed[]): void {
    const text = lines.map(({ line }) => `${line}\n`).join('');
    this.#output.write(this.#closed ? text : `${up(rowsAbove)}${clearBelow}${text}${this.#typing()}`);
  }

  /** What was typed stands in the prompt's rows; a message is printed in its own form instead. */
  #takeAway(line: string): void {
    // One that fills its last row has taken the next one too.
    const rows = Math.floor(textCells(this.#readline.getPrompt() + line) / this.#columns()) + 1;
    this.#draw(rows, []);
  }

  /**
   * The prompt with what is being typed, as it stood, and the cursor where it was. Readline could draw it too (`prompt`), but it counts rows from where it believes that the cursor
   * is, and is wrong after text was pasted.
   */
  #typing(): string {
    const typed = this.#readline.getPrompt() + this.#readline.line;
    const { rows, cols } = this.#readline.getCursorPos();
    const cells = textCells(typed);
    const isFull = cells % this.#columns() === 0;
    return `${typed}${isFull ? ' ' : ''}\r${up(Math.floor(cells / this.#columns()) - rows)}${cols === 0 ? '' : `\u001b[${cols}C`}`;
  }

  /** Of what is being typed, counted from the prompt's row. */
  #cursorRow(): number {
    return this.#closed ? 0 : this.#readline.getCursorPos().rows;
  }

  #rowsOf(line: string): number {
    return Math.max(1, Math.ceil(textCells(line) / this.#columns()));
  }

  #columns(): number {
    // A terminal that was not told its size says 0.
    return this.#output.columns || 80;
  }
}
