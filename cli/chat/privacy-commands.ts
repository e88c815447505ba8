import { audience } from '../../protocol/rest/privacy.js';
import type { Device, DirectConversation, PrivacySettings } from '../../sdk/index.js';
import { ChatRefusal } from './chat-refusal.js';
import { printable } from './printable.js';

export const privacyHelp = `  /block [HANDLE]      block somebody, or who this conversation is with; they do not learn of it
  /unblock [HANDLE]    end that
  /privacy             what others see of you, and whom you blocked
  /privacy seen WHO    who sees when you are here: everyone, contacts or nobody
  /privacy read on|off whether others learn what you read; off, you do not learn it of them`;

export interface PrivacyCommandsDependencies {
  readonly device: Device;
  /** Whom the open conversation is with. Throws ChatRefusal if there is nobody. */
  readonly peer: () => DirectConversation['peer'];
  readonly print: (line: string) => void;
}

/** What one types about who sees what, by the command's name. */
export function privacyCommands(
  { device, peer, print }: PrivacyCommandsDependencies,
  argument: string | undefined,
): Readonly<Record<string, () => Promise<void>>> {
  const meant = () => {
    if (argument === undefined) return peer();
    for (const conversation of device.conversations()) {
      if (conversation.kind === 'direct' && conversation.peer.handle === argument) return conversation.peer;
    }
    throw new ChatRefusal(`you never talked to ${printable(argument)}`);
  };
  return {
    block: async () => {
      const { accountId, handle } = meant();
      await device.block(accountId);
      print(`  Blocked ${handle ?? accountId}.`);
    },
    unblock: async () => {
      const { accountId, handle } = meant();
      await device.unblock(accountId);
      print(`  ${handle ?? accountId} is not blocked any more.`);
    },
    privacy: async () => {
      const { lastSeen, readReceipts } = argument === undefined ? await device.privacy() : await device.setPrivacy(changeOf(argument));
      const names = await Promise.all((await device.blocked()).map((accountId) => device.handleOf(accountId)));
      print(`  ${lastSeen} sees when you are here; read receipts are ${readReceipts ? 'on' : 'off'}.`);
      print(names.length === 0 ? '  You blocked nobody.' : `  You blocked ${names.join(', ')}.`);
    },
  };
}

function changeOf(argument: string): Partial<PrivacySettings> {
  const [what, value] = argument.split(/\s+/);
  const who = audience.safeParse(value);
  if (what === 'seen' && who.success) return { lastSeen: who.data };
  if (what === 'read' && (value === 'on' || value === 'off')) return { readReceipts: value === 'on' };
  throw new ChatRefusal('say /privacy seen everyone, contacts or nobody; or /privacy read on or off');
}
