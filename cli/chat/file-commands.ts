import type { ConversationId, Device, MessageId } from '../../sdk/index.js';
import { ChatRefusal } from './chat-refusal.js';
import { printable } from './printable.js';

export const fileHelp = `  /send FILE           send a file
  /save N [PATH]       save the file of message [N], here or at PATH`;

export interface MessageCommandsDependencies {
  readonly device: Device;
  readonly print: (line: string) => void;
  /** The conversation that is open. Throws ChatRefusal if none is. */
  readonly open: () => ConversationId;
  /** The message that is shown with this number. */
  readonly messageOf: (number: number) => MessageId | undefined;
}

/** What one types to send files, and to save those that came, by the command's name. */
export function fileCommands(
  { device, print, open, messageOf }: MessageCommandsDependencies,
  argument: string | undefined,
): Readonly<Record<'send' | 'save', () => Promise<void>>> {
  return {
    send: async () => {
      if (argument === undefined) throw new ChatRefusal('say which file: /send FILE');
      await explained(device.files.send(open(), argument));
    },
    save: async () => {
      const [, number, given = ''] = /^(\d+)\s*(.*)$/.exec(argument ?? '') ?? [];
      if (number === undefined) throw new ChatRefusal('say which: /save N [PATH]');
      const messageId = messageOf(Number(number));
      const message = messageId === undefined ? undefined : device.message(open(), messageId);
      if (message === undefined) throw new ChatRefusal(`there is no message [${number}] here`);
      if (message.content.type !== 'file') throw new ChatRefusal(`message [${number}] has no file`);
      // Nobody else puts hidden files here.
      const path = given === '' ? printable(message.content.name).replace(/^\.*/, '') || 'file' : given;
      await explained(device.files.save(message.content, path));
      print(`  Saved ${printable(path)}.`);
    },
  };
}

/** What the file system refuses is said in words. */
async function explained(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    throw new ChatRefusal(error.message);
  }
}
