import { createInterface } from 'node:readline';

import type { Screen } from './screen.js';
import { TerminalScreen, type TerminalOutput } from './terminal-screen.js';

/** A terminal if both ends are one, else plain lines. */
export function createScreen(
  input: NodeJS.ReadableStream & { readonly isTTY?: boolean },
  output: TerminalOutput & { readonly isTTY?: boolean },
): Screen {
  if (input.isTTY === true && output.isTTY === true) return new TerminalScreen(input, output);
  const readline = createInterface({ input, terminal: false });
  const typed = readline[Symbol.asyncIterator]();
  return {
    interactive: false,
    colour: false,
    onTyped: () => undefined,
    lastId: undefined,
    print: (text) => {
      output.write(`${text}\n`);
    },
    redraw: () => false,
    setPrompt: () => undefined,
    lines: () => ({ [Symbol.asyncIterator]: () => typed }),
    close: () => {
      readline.close();
    },
  };
}
