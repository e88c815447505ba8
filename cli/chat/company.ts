import type { AccountId, Conversation, Device, PresenceNews } from '../../sdk/index.js';
import { SerialQueue } from '../../sdk/serial-queue.js';
import { conversationName, timeOf } from './chat-lines.js';
import type { Screen } from './screen.js';

/** Who is there and who types in the conversation that is open: shown in the prompt, and told to the others of who sits here. */
export class Company {
  readonly #device: Device;
  readonly #screen: Screen;
  readonly #nameOf: (accountId: AccountId) => string;
  readonly #typing = new Set<AccountId>();
  readonly #watching = new SerialQueue();
  #open: Conversation | undefined;
  #peer: PresenceNews | undefined;

  constructor(device: Device, screen: Screen, nameOf: (accountId: AccountId) => string) {
    this.#device = device;
    this.#screen = screen;
    this.#nameOf = nameOf;
  }

  listen(): void {
    this.#device.on('typing', ({ conversationId, accountId, state }) => {
      if (conversationId !== this.#open?.conversationId) return;
      this.#typing[state === 'started' ? 'add' : 'delete'](accountId);
      this.#show();
    });
    this.#device.on('presence', (news) => {
      if (news.accountId !== this.#watched()) return;
      this.#peer = news;
      this.#show();
    });
    this.#screen.onTyped = (text) => {
      if (this.#open === undefined || text.startsWith('/')) return;
      this.#device.typing(this.#open.conversationId, text === '' ? 'stopped' : 'started');
    };
  }

  /** From now on it is about this conversation. Somebody who cannot be watched for the moment is shown without a word about it. */
  opened(conversation: Conversation): void {
    const before = this.#watched();
    this.#open = conversation;
    this.#peer = undefined;
    this.#typing.clear();
    this.#show();
    const now = this.#watched();
    if (!this.#screen.interactive) return;
    this.#watching
      .run(async () => {
        if (before !== undefined) await this.#device.unwatch([before]);
        if (now !== undefined) await this.#device.watch([now]);
      })
      .catch(() => undefined);
  }

  #watched(): AccountId | undefined {
    return this.#open?.kind === 'direct' ? this.#open.peer.accountId : undefined;
  }

  #show(): void {
    if (this.#open === undefined) return;
    const note = this.#note();
    this.#screen.setPrompt(`${conversationName(this.#open)}${note === undefined ? '' : ` (${note})`}> `);
  }

  #note(): string | undefined {
    if (this.#typing.size > 0) {
      const names = this.#open?.kind === 'group' ? `${[...this.#typing].map(this.#nameOf).join(', ')} ` : '';
      return `${names}typing…`;
    }
    if (this.#peer?.online === true) return 'online';
    const { lastSeenMs } = this.#peer ?? {};
    return lastSeenMs === undefined ? undefined : `last seen ${timeOf(lastSeenMs, Date.now())}`;
  }
}
