import { deviceKey, type AccountId, type ConversationId, type DeviceAddress, type DeviceId } from '../../../protocol/ids.js';
import type { ConversationEvent } from '../../../protocol/conversation-event.js';
import type { Message } from '../../../sdk/index.js';
import type { Change, Shown } from './record.js';
import type { Name } from './script.js';

/** What the server calls the accounts, devices and conversations of a script. */
export class Names {
  readonly #ids = new Map<Name, string>();
  readonly #names = new Map<string, Name>();

  learn(name: Name, id: string): void {
    this.#ids.set(name, id);
    this.#names.set(id, name);
  }

  account(name: Name): AccountId {
    return this.#id(name) as AccountId;
  }

  conversation(name: Name): ConversationId {
    return this.#id(name) as ConversationId;
  }

  deviceId(name: Name): DeviceId {
    return Number(this.#id(name).split('.')[1]) as DeviceId;
  }

  of(id: string): Name {
    return this.#names.get(id) ?? id;
  }

  ofDevice(address: DeviceAddress): Name {
    return this.of(deviceKey(address));
  }

  ofEvent(event: ConversationEvent): Change {
    switch (event.type) {
      case 'created':
      case 'members-added':
        return { type: event.type, members: event.members.map((account) => this.of(account)) };
      case 'member-joined':
      case 'member-removed':
      case 'member-left':
        return { type: event.type, member: this.of(event.member) };
      case 'role-changed':
        return { type: event.type, member: this.of(event.member), role: event.role };
      case 'title-changed':
        throw new Error(`no script has a ${event.type}`);
    }
  }

  ofMessage({ messageId, position, sender, content, editedAtMs, reactions, ttlSeconds, state, failure }: Message): Shown {
    return {
      ...{ messageId, position, editedAtMs, ttlSeconds, state, failure, device: this.ofDevice(sender) },
      content: content.type === 'event' ? { type: 'event', event: this.ofEvent(content.event) } : content,
      reactions: reactions?.map(({ emoji, accounts }) => ({ emoji, accounts: accounts.map((account) => this.of(account)) })),
    };
  }

  #id(name: Name): string {
    const id = this.#ids.get(name);
    if (id === undefined) throw new Error(`nobody knows ${name} yet`);
    return id;
  }
}
