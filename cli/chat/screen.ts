import { createInterface, type Interface } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';

export interface Screen {
  /** Lines can be drawn again; else every change is a line of its own. */
  readonly redraws: boolean;
  /** A line above the prompt. With an id it can be changed later. */
  print(line: string, id?: string): void;
  /** Draws a line again, if it is still on the screen. `false`: it is not. */
  redraw(id: string, line: string): boolean;
  setPrompt(prompt: string): void;
  /** What is typed, a line at a time, until the input ends. */
  lines(): AsyncIterable<string>;
  close(): void;
}

interface Printed {
  readonly id: string | undefined;
  line: string;
}

const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, 'g');

/** A terminal with the prompt in its last line; lines of messages keep their place, so that ticks can change. */
export function createScreen(input: NodeJS.ReadableStream & Partial<ReadStream>, output: NodeJS.WritableStream & Partial<WriteStream>): Screen {
  const isTerminal = input.isTTY === true && output.isTTY === true;
  const readline = createInterface({ input, output, terminal: isTerminal });
  return isTerminal ? terminalScreen(readline, output) : plainScreen(readline, output);
}

function plainScreen(readline: Interface, output: NodeJS.WritableStream): Screen {
  const typed = typedFrom(readline);
  return {
    redraws: false,
    print: (line) => {
      output.write(`${line}\n`);
    },
    redraw: () => false,
    setPrompt: () => undefined,
    lines: () => typed,
    close: () => {
      readline.close();
    },
  };
}

function terminalScreen(readline: Interface, output: NodeJS.WritableStream & Partial<WriteStream>): Screen {
  const typed = typedFrom(readline);
  const printed: Printed[] = [];
  const columns = () => output.columns ?? 80;
  const heightOf = (line: string) => Math.max(1, Math.ceil(widthOf(line) / columns()));
  const keep = (line: string, id: string | undefined) => {
    printed.push({ id, line });
    if (printed.length > 1_000) printed.shift();
  };
  return {
    redraws: true,
    print: (line, id) => {
      output.write(`\r\u001b[J${line}\n`);
      keep(line, id);
      readline.prompt(true);
    },
    redraw: (id, line) => {
      const index = printed.findLastIndex((of) => of.id === id);
      const entry = printed[index];
      if (entry === undefined) return false;
      const up = printed.slice(index).reduce((sum, of) => sum + heightOf(of.line), 0);
      if (up >= (output.rows ?? 24) || heightOf(entry.line) !== heightOf(line)) return false;
      entry.line = line;
      output.write(`\r\u001b[${up}A\u001b[2K${line}\u001b[${up - heightOf(line) + 1}B\r`);
      readline.prompt(true);
      return true;
    },
    setPrompt: (prompt) => {
      readline.setPrompt(prompt);
      readline.prompt(true);
    },
    lines: () =>
      typedLines({ readline, typed }, output, (line) => {
        keep(line, undefined);
      }),
    close: () => {
      readline.close();
    },
  };
}

/** What was typed stands in the prompt's line already; it is taken away, because the message is printed in its own form. */
async function* typedLines(
  { readline, typed }: { readonly readline: Interface; readonly typed: AsyncIterable<string> },
  output: NodeJS.WritableStream,
  keep: (line: string) => void,
): AsyncIterable<string> {
  readline.prompt();
  for await (const line of typed) {
    if (line.startsWith('/')) keep(line);
    else output.write('\u001b[1A\r\u001b[J');
    yield line;
  }
}

/** Listens from now on: what is typed, or piped in, before somebody reads it must not be lost. */
function typedFrom(readline: Interface): AsyncIterable<string> {
  const lines = readline[Symbol.asyncIterator]();
  return { [Symbol.asyncIterator]: () => lines };
}

function widthOf(line: string): number {
  return Array.from(line.replaceAll(escapes, '')).length;
}
