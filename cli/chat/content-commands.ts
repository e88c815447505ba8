import type { ConversationId, Device, Message, MessageId } from '../../sdk/index.js';
import { ChatRefusal } from './chat-refusal.js';
import { durationOf } from './content-text.js';

export const contentHelp = `  /reply N TEXT        answer message [N]
  /edit TEXT           another text for your last one
  /delete [N]          delete your last message, or message [N], for everyone
  /react N [EMOJI]     react to message [N]; without emoji no more
  /poll QUESTION | A | B ...   let people choose
  /vote N OPTION       choose an option of poll [N], by its number
  /disappear TIME      what is said from now on goes after 30s, 10m, 8h, 7d; off: it stays`;

const lookedThrough = 100;

export interface ContentCommandsDependencies {
  readonly device: Device;
  /** The conversation that is open. Throws ChatRefusal if none is. */
  readonly open: () => ConversationId;
  /** The message that is shown with this number. */
  readonly messageOf: (number: number) => MessageId | undefined;
}

/** What one types to say more than a text, by the command's name. */
export function contentCommands(
  { device, open, messageOf }: ContentCommandsDependencies,
  argument: string | undefined,
): Readonly<Record<string, () => Promise<unknown>>> {
  const needed = (usage: string): string => {
    if (argument === undefined) throw new ChatRefusal(`say ${usage}`);
    return argument;
  };
  /** The message of a number, and what stands behind it. */
  const numbered = (usage: string): { readonly messageId: MessageId; readonly rest: string } => {
    const [, number, rest = ''] = /^(\d+)\s*(.*)$/.exec(needed(usage)) ?? [];
    if (number === undefined) throw new ChatRefusal(`say ${usage}`);
    const messageId = messageOf(Number(number));
    if (messageId === undefined || device.message(open(), messageId) === undefined) throw new ChatRefusal(`there is no message [${number}] here`);
    return { messageId, rest };
  };
  const lastOwn = (...types: readonly Message['content']['type'][]): MessageId => {
    const messages = device.messages(open(), { limit: lookedThrough });
    const last = messages.findLast(({ state, content }) => state !== undefined && state !== 'failed' && types.includes(content.type));
    if (last === undefined) throw new ChatRefusal('you said nothing here lately');
    return last.messageId;
  };
  return {
    reply: () => {
      const { messageId: replyTo, rest: text } = numbered('which and what: /reply N TEXT');
      if (text === '') throw new ChatRefusal('say what: /reply N TEXT');
      return device.send(open(), { type: 'text', text, replyTo });
    },
    edit: () => device.send(open(), { type: 'edit', messageId: lastOwn('text'), text: needed('the text: /edit TEXT') }),
    delete: () => {
      const messageId = argument === undefined ? lastOwn('text', 'poll') : numbered('which: /delete N').messageId;
      return device.send(open(), { type: 'delete', messageId });
    },
    react: () => {
      const { messageId, rest: emoji } = numbered('to which: /react N EMOJI');
      return device.send(open(), { type: 'reaction', messageId, emoji });
    },
    poll: () => {
      const [question = '', ...options] = needed('what: /poll QUESTION | A | B')
        .split('|')
        .map((part) => part.trim());
      return device.send(open(), { type: 'poll', question, options, choice: 'single' });
    },
    vote: () => {
      const { messageId, rest } = numbered('in which and for what: /vote N OPTION');
      const choices = rest === '' ? [] : rest.split(/\s+/).map((number) => Number(number) - 1);
      return device.send(open(), { type: 'poll-vote', messageId, choices });
    },
    disappear: () => {
      const time = needed('after what time: /disappear 8h, or off');
      const seconds = time === 'off' ? undefined : durationOf(time);
      if (time !== 'off' && seconds === undefined) throw new ChatRefusal('a time is a number and s, m, h or d: /disappear 8h');
      return device.send(open(), { type: 'disappearing', seconds });
    },
  };
}
