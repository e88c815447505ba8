import { isChannelId } from '../../protocol/ids.js';
import type { AccountId, Device, Message } from '../../sdk/index.js';
import { eventLine, messageLine, type LineStyle } from './chat-lines.js';
import { durationText } from './content-text.js';
import { accountsOf, eventText } from './event-text.js';
import { printable } from './printable.js';

/** What people are called, as far as it was asked for. */
export class Names {
  readonly #device: Device;
  readonly #known = new Map<AccountId, string>();

  constructor(device: Device) {
    this.#device = device;
  }

  /** Of everybody whom these messages name. */
  async learn(messages: readonly Message[]): Promise<void> {
    const named = messages.flatMap(({ sender, content }) => [sender.accountId, ...(content.type === 'event' ? accountsOf(content.event) : [])]);
    for (const accountId of new Set(named)) {
      if (!this.#known.has(accountId)) this.#known.set(accountId, await this.#device.handleOf(accountId));
    }
  }

  of(accountId: AccountId): string {
    if (accountId === this.#device.accountId) return this.#device.handle;
    const peers = this.#device.conversations().flatMap((conversation) => (conversation.kind === 'direct' ? [conversation.peer] : []));
    const peer = peers.find((known) => known.accountId === accountId);
    return printable(peer?.handle ?? this.#known.get(accountId) ?? accountId);
  }

  lineOf(message: Message, style: LineStyle): string {
    const { content, sender } = message;
    const name = this.of(sender.accountId);
    if (content.type === 'disappearing') return eventLine(message, disappearingText(content.seconds, name), style);
    if (content.type !== 'event') return messageLine(message, name, style, this.#quotedIn(message));
    return eventLine(
      message,
      eventText(content.event, name, (accountId) => this.of(accountId), isChannelId(message.conversationId) ? 'channel' : 'group'),
      style,
    );
  }

  #quotedIn({ conversationId, content }: Message): Message | undefined {
    const replyTo = content.type === 'text' ? content.replyTo : undefined;
    return replyTo && this.#device.message(conversationId, replyTo);
  }
}

function disappearingText(seconds: number | undefined, by: string): string {
  return seconds === undefined ? `${by} lets what is said stay` : `${by} lets what is said disappear after ${durationText(seconds)}`;
}
