import type { Device, DirectConversation } from '../../sdk/index.js';
import { safetyNumberLines } from './chat-lines.js';
import { ChatRefusal } from './chat-refusal.js';

export const keyHelp = `  /safety              the safety number: compare it with the other person
  /verify              you compared it: should the keys change, nothing is sent before you approve
  /approve             accept changed keys without comparing`;

export interface KeyCommandsDependencies {
  readonly device: Device;
  /** Whom one talks to. Throws ChatRefusal in a group. */
  readonly peer: () => DirectConversation['peer'];
  readonly print: (line: string) => void;
}

/** What one types to know that it is the other person, by the command's name. */
export function keyCommands({ device, peer, print }: KeyCommandsDependencies): Readonly<Record<string, () => void | Promise<void>>> {
  const safetyNumber = () => {
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
