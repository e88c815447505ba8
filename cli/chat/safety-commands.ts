import type { Device, DirectConversation } from '../../sdk/index.js';
import { safetyNumberLines } from './chat-lines.js';
import { ChatRefusal } from './chat-refusal.js';

export const safetyHelp = `  /safety              the safety number: compare it with the other person
  /verify              you compared it: should the keys change, nothing is sent before you approve
  /approve             accept changed keys without comparing`;

export interface SafetyCommandsDependencies {
  readonly device: Device;
  /** Who is talked to. Throws ChatRefusal if that is not one person. */
  readonly peer: () => DirectConversation['peer'];
  readonly print: (line: string) => void;
}

/** What one types about the keys of others, by the command's name. */
export function safetyCommands({ device, peer, print }: SafetyCommandsDependencies): Readonly<Record<string, () => void | Promise<void>>> {
  const safetyNumber = (): string => {
    const number = device.safetyNumber(peer().accountId);
    if (number === undefined) throw new ChatRefusal('there is no safety number before the first message');
    return number.digits;
  };
  return {
    safety: () => {
      print(safetyNumberLines(safetyNumber()).join('\n'));
    },
    verify: async () => {
      safetyNumber();
      await device.verify(peer().accountId);
      print('  Verified. Should the keys change, nothing is sent before you approve.');
    },
    approve: async () => {
      safetyNumber();
      await device.approve(peer().accountId);
      print('  Approved.');
    },
  };
}
