import type { Content, Message, MessageId } from '../../sdk/index.js';
import { ChatRefusal } from './chat-refusal.js';
import { durationOf } from './content-text.js';
import { fileCommands, fileHelp, type MessageCommandsDependencies } from './file-commands.js';

export const contentHelp = `  /reply N TEXT        answer message [N]
  /edit [[N]] TEXT     another text for your last one, or for [N], with its brackets
  /delete [N]          delete your last message, or message [N], for everyone
  /react N [EMOJI]     react to message [N]; without emoji no more
  /for TIME TEXT       a text that goes after 30s, 10m, 8h, 7d
  /explain [N]         where your last message, or message [N], is for each person
  /poll QUESTION | A | B ...   let people choose; /multipoll: as many as they like
  /vote N OPTION       choose an option of poll [N], by its number
${fileHelp}
  /disappear TIME      what is said from now on goes after 30s, 10m, 8h, 7d; off: it stays`;

const lookedThrough = 100;
const aTime = 'a time is a number and s, m, h or d';

/** What one types to say more than a text, by the command's name. */
export function contentCommands(
  dependencies: MessageCommandsDependencies,
  argument: string | undefined,
): Readonly<Record<string, () => Promise<unknown>>> {
  const { device, open } = dependencies;
  const { needed, numbered, shown, lastOwn } = parts(dependencies, argument);
  return {
    ...fileCommands(dependencies, argument),
    reply: () => {
      const { messageId: replyTo, rest: text } = numbered('which and what: /reply N TEXT');
      if (text === '') throw new ChatRefusal('say what: /reply N TEXT');
      return device.send(open(), { type: 'text', text, replyTo });
    },
    edit: () => {
      // In brackets: a text may begin with a number.
      const [, number, text] = /^\[(\d+)\]\s+(.+)$/.exec(needed('the text: /edit TEXT')) ?? [undefined, undefined, argument];
      return device.send(open(), { type: 'edit', messageId: number === undefined ? lastOwn('text') : shown(number), text: text ?? '' });
    },
    delete: () => {
      const messageId = argument === undefined ? lastOwn('text', 'poll', 'file') : numbered('which: /delete N').messageId;
      return device.send(open(), { type: 'delete', messageId });
    },
    react: () => {
      const { messageId, rest: emoji } = numbered('to which: /react N EMOJI');
      return device.send(open(), { type: 'reaction', messageId, emoji });
    },
    for: () => {
      const { text, ttlSeconds } = timedText(needed('how long and what: /for 8h TEXT'));
      return device.send(open(), { type: 'text', text }, { ttlSeconds });
    },
    explain: () => explain(dependencies, argument === undefined ? lastOwn('text', 'poll', 'file') : numbered('which: /explain N').messageId),
    poll: () => device.send(open(), pollOf('single', needed('what: /poll QUESTION | A | B'))),
    multipoll: () => device.send(open(), pollOf('multiple', needed('what: /multipoll QUESTION | A | B'))),
    vote: () => {
      const { messageId, rest } = numbered('in which and for what: /vote N OPTION');
      const choices = rest === '' ? [] : rest.split(/\s+/).map((number) => Number(number) - 1);
      return device.send(open(), { type: 'poll-vote', messageId, choices });
    },
    disappear: () => {
      const time = needed('after what time: /disappear 8h, or off');
      const seconds = time === 'off' ? undefined : durationOf(time);
      if (time !== 'off' && seconds === undefined) throw new ChatRefusal(`${aTime}: /disappear 8h`);
      return device.send(open(), { type: 'disappearing', seconds });
    },
  };
}

/** What the argument of a command says, and which messages it means. All throw ChatRefusal. */
function parts({ device, open, messageOf }: MessageCommandsDependencies, argument: string | undefined) {
  const needed = (usage: string): string => {
    if (argument === undefined) throw new ChatRefusal(`say ${usage}`);
    return argument;
  };
  /** The message of a number, and what stands behind it. */
  const numbered = (usage: string): { readonly messageId: MessageId; readonly rest: string } => {
    const [, number, rest = ''] = /^(\d+)\s*(.*)$/.exec(needed(usage)) ?? [];
    if (number === undefined) throw new ChatRefusal(`say ${usage}`);
    return { messageId: shown(number), rest };
  };
  const shown = (number: string): MessageId => {
    const messageId = messageOf(Number(number));
    if (messageId === undefined || device.message(open(), messageId) === undefined) throw new ChatRefusal(`there is no message [${number}] here`);
    return messageId;
  };
  const lastOwn = (...types: readonly Message['content']['type'][]): MessageId => {
    const messages = device.messages(open(), { limit: lookedThrough });
    const last = messages.findLast(({ state, content }) => state !== undefined && state !== 'failed' && types.includes(content.type));
    if (last === undefined) throw new ChatRefusal('you said nothing here lately');
    return last.messageId;
  };
  return { needed, numbered, shown, lastOwn };
}

function pollOf(choice: 'single' | 'multiple', text: string): Content {
  const [question = '', ...options] = text.split('|').map((part) => part.trim());
  return { type: 'poll', question, options, choice };
}

function timedText(argument: string): { readonly text: string; readonly ttlSeconds: number } {
  const [, time = '', text] = /^(\S+)\s+(.+)$/.exec(argument) ?? [];
  const ttlSeconds = durationOf(time);
  if (ttlSeconds === undefined || text === undefined) throw new ChatRefusal(`${aTime}: /for 8h TEXT`);
  return { text, ttlSeconds };
}

/** Where it is for each person, and for each device of those who have several. */
async function explain({ device, print }: MessageCommandsDependencies, messageId: MessageId): Promise<void> {
  const { accounts } = await device.explain(messageId);
  if (accounts.length === 0) print('  Nobody is named: who reads a channel fetches what is posted.');
  for (const { accountId, state, devices } of accounts) {
    const each = devices.length === 1 ? '' : ` (${devices.map((of) => `${of.deviceId}: ${of.state}`).join(', ')})`;
    print(`  ${await device.handleOf(accountId)}: ${state}${each}`);
  }
}
