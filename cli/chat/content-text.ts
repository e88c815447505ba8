import type { Message } from '../../sdk/index.js';
import { printable } from './printable.js';

const maxQuotedCharacters = 40;
const units = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

/** What a message says, without what others did to it. */
export function textOf({ content, votes = [] }: Message): string {
  switch (content.type) {
    case 'text':
      return printable(content.text);
    case 'poll': {
      const options = content.options.map((option, index) => `${index + 1} ${printable(option)} (${votes[index]?.length ?? 0})`);
      return `${printable(content.question)} [${options.join(', ')}]`;
    }
    case 'file':
      return [`[${printable(content.name)}, ${sizeText(content.size)}]`, ...(content.text === undefined ? [] : [printable(content.text)])].join(' ');
    case 'disappearing':
      return content.seconds === undefined ? '[what is said stays]' : `[what is said disappears after ${durationText(content.seconds)}]`;
    case 'event':
      return '[the group changed]';
    case 'deleted':
      return '[deleted]';
    case 'unsupported':
      return '[made by a newer version]';
    case 'undecryptable':
      return '[could not be decrypted]';
  }
}

/** `↪ "hello" hello yourself (edited) · 👍 2`. `quoted`: the message that it answers, if that is here. */
export function fullTextOf(message: Message, quoted: Message | undefined): string {
  const { content, editedAtMs, reactions = [] } = message;
  const isReply = content.type === 'text' && content.replyTo !== undefined;
  const before = isReply ? `↪ ${quoted === undefined ? '[not here]' : `"${shortened(textOf(quoted))}"`} ` : '';
  const shown = reactions.map(({ emoji, accounts }) => (accounts.length === 1 ? emoji : `${emoji} ${accounts.length}`));
  const after = shown.length === 0 ? '' : ` · ${shown.join(' ')}`;
  return `${before}${textOf(message)}${editedAtMs === undefined ? '' : ' (edited)'}${after}`;
}

export function shortened(text: string): string {
  const characters = Array.from(text);
  return characters.length > maxQuotedCharacters ? `${characters.slice(0, maxQuotedCharacters).join('')}…` : text;
}

/** `512 B`, `1.4 MB`. */
function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** `30s`, `10m`, `8h`, `7d`. */
export function durationText(seconds: number): string {
  const [unit, length] = units.find(([, of]) => seconds % of === 0) ?? units[3];
  return `${seconds / length}${unit}`;
}

/** In seconds; `undefined` if it is no duration. */
export function durationOf(text: string): number | undefined {
  const [, count = '', unit = ''] = /^(\d{1,9})([dhms])$/.exec(text) ?? [];
  const length = units.find(([name]) => name === unit)?.[1];
  return length === undefined ? undefined : Number(count) * length;
}
