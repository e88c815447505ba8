/** What somebody meant by a line. */
export type ChatInput =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'command'; readonly name: string; readonly argument: string | undefined };

/** A slash begins a command; two begin a text that begins with one. */
export function chatInputOf(line: string): ChatInput {
  const text = line.trim();
  if (text === '') return { kind: 'nothing' };
  if (text.startsWith('//')) return { kind: 'text', text: text.slice(1) };
  if (!text.startsWith('/')) return { kind: 'text', text };
  const [, name = '', argument = ''] = /^\/(\S*)\s*(.*)$/.exec(text) ?? [];
  return { kind: 'command', name, argument: argument === '' ? undefined : argument };
}
