import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { createScreen } from '../../cli/chat/create-screen.js';
import type { Screen } from '../../cli/chat/screen.js';
import { eventually } from '../support/eventually.js';
import { VirtualTerminal } from '../support/virtual-terminal.js';

const open: Screen[] = [];

function terminalWith(columns: number, rows: number) {
  const terminal = new VirtualTerminal(columns, rows);
  const screen = createScreen(terminal.keys, terminal);
  open.push(screen);
  screen.setPrompt('bob> ');
  return { terminal, screen };
}

/** Resolves when the terminal has taken the keys. */
async function type({ terminal }: { readonly terminal: VirtualTerminal }, keys: string): Promise<void> {
  await new Promise((resolve) => terminal.keys.write(keys, resolve));
  await new Promise((resolve) => setImmediate(resolve));
}

afterEach(() => {
  for (const screen of open.splice(0)) screen.close();
});

describe('a terminal', () => {
  test('keeps what is being typed below what is printed', async () => {
    const { terminal, screen } = terminalWith(40, 10);
    await type({ terminal }, 'half a sen');
    screen.print('10:32 bob: hello');
    await type({ terminal }, 'tence');
    expect(terminal.text).toBe('10:32 bob: hello\nbob> half a sentence');
    expect(terminal.cursor).toEqual({ row: 1, column: 20 });
  });

  test('draws a line again where it stands', () => {
    const { terminal, screen } = terminalWith(40, 10);
    screen.print('alice: one ⏳', '1');
    screen.print('alice: two ⏳', '2');
    screen.print('bob: three');
    expect(screen.redraw('1', 'alice: one ✓✓')).toBe(true);
    expect(terminal.text).toBe('alice: one ✓✓\nalice: two ⏳\nbob: three\nbob>');
  });

  test('draws a line again that takes another number of rows now', () => {
    const { terminal, screen } = terminalWith(10, 10);
    screen.print('short', '1');
    screen.print('below');
    screen.redraw('1', 'longer than a row');
    expect(terminal.text).toBe('longer tha\nn a row\nbelow\nbob>');
    screen.redraw('1', 'short');
    expect(terminal.text).toBe('short\nbelow\nbob>');
  });

  test('says that a line has left the screen, and leaves it', () => {
    const { terminal, screen } = terminalWith(40, 5);
    screen.print('first', 'first');
    for (let number = 0; number < 10; number += 1) screen.print(`line ${number}`);
    expect(screen.redraw('first', 'changed')).toBe(false);
    expect(screen.redraw('unknown', 'changed')).toBe(false);
    expect(terminal.text).toBe('line 6\nline 7\nline 8\nline 9\nbob>');
  });

  test('takes a typed line away and hands it over', async () => {
    const { terminal, screen } = terminalWith(20, 10);
    screen.print('above');
    const typed: string[] = [];
    const reading = (async () => {
      for await (const line of screen.lines()) typed.push(line);
    })();
    await type({ terminal }, 'this takes more than one row of so narrow a screen\r');
    await eventually(() => expect(typed).toEqual(['this takes more than one row of so narrow a screen']));
    expect(terminal.text).toBe('above\nbob>');
    await type({ terminal }, 'second\rthird\r');
    await eventually(() => expect(typed.slice(1)).toEqual(['second', 'third']));
    screen.close();
    await reading;
    expect(terminal.text).toBe('above');
  });

  test.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('%s ends the input and takes the prompt away', async (_name, key) => {
    const { terminal, screen } = terminalWith(20, 10);
    screen.print('above');
    const typed: string[] = [];
    const reading = (async () => {
      for await (const line of screen.lines()) typed.push(line);
    })();
    await type({ terminal }, key);
    await reading;
    expect(typed).toEqual([]);
    screen.print('afterwards');
    expect(terminal.text).toBe('above\nafterwards');
  });

  test('shows what was printed and typed, whatever happens in which order', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('print' as const), id: fc.nat(5), length: fc.integer({ min: 1, max: 45 }) }),
      fc.record({ kind: fc.constant('redraw' as const), id: fc.nat(5), length: fc.integer({ min: 1, max: 45 }) }),
      fc.record({ kind: fc.constant('type' as const), length: fc.integer({ min: 1, max: 25 }) }),
      fc.record({ kind: fc.constant('left' as const), length: fc.integer({ min: 1, max: 25 }) }),
    );
    await fc.assert(
      // After text was pasted, readline itself draws wrongly when the cursor moves to another row; so it is either pasted or moved.
      fc.asyncProperty(fc.boolean(), fc.array(step, { maxLength: 30 }), async (pasted, steps) => {
        const [columns, rows] = [20, 8];
        const { terminal, screen } = terminalWith(columns, rows);
        const lines: { id: string; text: string }[] = [];
        let typed = '';
        let cursor = 0;
        const text = (length: number, filler: string) => filler.repeat(length);
        for (const [number, next] of steps.entries()) {
          const filler = String.fromCharCode(97 + (number % 26));
          if (next.kind === 'print') {
            screen.print(text(next.length, filler), `${next.id}`);
            lines.push({ id: `${next.id}`, text: text(next.length, filler) });
          } else if (next.kind === 'redraw') {
            const line = lines.findLast(({ id }) => id === `${next.id}`);
            if (screen.redraw(`${next.id}`, text(next.length, filler)) && line !== undefined) line.text = text(next.length, filler);
          } else if (next.kind === 'type') {
            const keys = text(next.length, filler.toUpperCase());
            for (const part of pasted ? [keys] : keys) await type({ terminal }, part);
            typed = typed.slice(0, cursor) + keys + typed.slice(cursor);
            cursor += keys.length;
          } else if (cursor > 0 && !pasted) {
            const moved = Math.min(cursor, next.length);
            for (let key = 0; key < moved; key += 1) await type({ terminal }, '\u001b[D');
            cursor -= moved;
          }
        }
        screen.print('end');
        const all = [...lines.map((line) => line.text), 'end', `bob> ${typed}`];
        const wrapped = all.flatMap((line) => line.match(new RegExp(`.{1,${columns}}`, 'g')) ?? ['']).map((row) => row.trimEnd());
        const shown = terminal.text.split('\n');
        expect(shown).toEqual(wrapped.slice(-shown.length));
        expect(shown.length).toBeGreaterThanOrEqual(Math.min(wrapped.length, rows - 4));
      }),
      { numRuns: 60 },
    );
  });
});
