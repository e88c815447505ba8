import { DomainError, SdkError, type AccountId, type Conversation, type Device, type Message } from '../../sdk/index.js';
import { messageLine, noticeLine, printable, safetyNumberLines, stateLine, statusLine, type LineStyle } from './chat-lines.js';
import type { Screen } from './screen.js';

const shownHistory = 20;
const help = `  /with HANDLE   talk to somebody else
  /who           the conversations of this device
  /history [N]   the last N messages (${shownHistory})
  /safety        the safety number: compare it with the other person
  /verify        you compared it: a change of keys will hold sending
  /approve       accept changed keys without comparing
  /quit          leave; what is not sent yet goes next time`;

/** One person at one terminal: types what is heard, sends what is typed. */
export class ChatSession {
  readonly #device: Device;
  readonly #screen: Screen;
  readonly #style: LineStyle;
  #open: Conversation | undefined;

  constructor(device: Device, screen: Screen) {
    this.#device = device;
    this.#screen = screen;
    this.#style = { colour: screen.redraws };
    device.on('status', (status) => {
      screen.print(statusLine(status));
    });
    device.on('notice', (notice) => {
      screen.print(noticeLine(notice, (accountId) => this.#nameOf(accountId as AccountId)));
    });
    device.on('message', ({ conversation, ...message }) => this.#heard(conversation, message));
    device.on('outgoing', (message) => {
      this.#changed(message);
    });
    device.on('receipts', ({ conversationId }) => {
      for (const message of device.messages(conversationId, { limit: shownHistory })) if (message.state !== undefined) this.#changed(message);
    });
  }

  /** Until the input ends or somebody quits. */
  async run(peer: string | undefined): Promise<void> {
    this.#screen.print(`You are ${this.#device.handle}. /help lists what you can do.`);
    if (peer !== undefined) await this.#withErrors(() => this.#talkTo(peer));
    else this.#who();
    for await (const line of this.#screen.lines()) {
      const text = line.trim();
      if (text === '/quit') return;
      await this.#withErrors(() => this.#typed(text));
    }
  }

  async #typed(text: string): Promise<void> {
    if (text === '') return;
    if (text.startsWith('/')) await this.#command(text);
    else await this.#device.send(this.#openConversation().conversationId, { type: 'text', text });
  }

  async #command(text: string): Promise<void> {
    const [name = '', argument] = text.split(/\s+/);
    const commands: Record<string, () => unknown> = {
      '/help': () => {
        this.#screen.print(help);
      },
      '/with': () => (argument === undefined ? this.#who() : this.#talkTo(argument)),
      '/who': () => {
        this.#who();
      },
      '/history': () => this.#history(Number(argument ?? shownHistory) || shownHistory),
      '/safety': () => {
        this.#safety();
      },
      '/verify': async () => {
        await this.#device.verify(this.#openConversation().peer.accountId);
        this.#screen.print('  Verified. If the keys change, nothing is sent before you approve.');
      },
      '/approve': async () => {
        await this.#device.approve(this.#openConversation().peer.accountId);
        this.#screen.print('  Approved.');
      },
    };
    const command = commands[name];
    if (command === undefined) this.#screen.print(`  There is no ${name}; /help lists what there is.`);
    else await command();
  }

  async #talkTo(handle: string): Promise<void> {
    this.#open = await this.#device.conversationWith(handle);
    this.#screen.print(`— ${handle} —`);
    await this.#history(shownHistory);
    this.#screen.setPrompt(`${handle}> `);
  }

  #who(): void {
    const known = this.#device.conversations();
    const names = known.map(({ peer }) => peer.handle ?? peer.accountId);
    this.#screen.print(
      names.length === 0 ? '  No conversations yet: /with HANDLE begins one.' : `  You talked to ${names.join(', ')}. /with HANDLE goes on.`,
    );
  }

  async #history(count: number): Promise<void> {
    const { conversationId } = this.#openConversation();
    for (const message of this.#device.messages(conversationId, { limit: count })) this.#show(message);
    await this.#device.markRead(conversationId);
  }

  #safety(): void {
    const { peer } = this.#openConversation();
    const number = this.#device.safetyNumber(peer.accountId);
    if (number === undefined) this.#screen.print('  There is none before the first message.');
    else for (const line of safetyNumberLines(number.digits)) this.#screen.print(line);
  }

  async #heard(conversation: Conversation, message: Message): Promise<void> {
    if (conversation.conversationId === this.#open?.conversationId) {
      this.#show(message);
      await this.#device.markRead(conversation.conversationId);
    } else {
      const name = conversation.peer.handle ?? conversation.peer.accountId;
      this.#screen.print(`(${messageLine(message, name, this.#style).trim()}) — /with ${name}`);
    }
  }

  #show(message: Message): void {
    this.#screen.print(messageLine(message, this.#nameOf(message.sender.accountId), this.#style), message.messageId);
  }

  /** A new own message, or new ticks of one. */
  #changed(message: Message): void {
    if (message.conversationId !== this.#open?.conversationId) return;
    const line = messageLine(message, this.#nameOf(message.sender.accountId), this.#style);
    if (this.#screen.redraws) {
      if (!this.#screen.redraw(message.messageId, line) && message.state === 'pending') this.#screen.print(line, message.messageId);
    } else if (this.#told.get(message.messageId) !== message.state) {
      this.#told.set(message.messageId, message.state);
      this.#screen.print(stateLine(message, this.#style));
    }
  }
  /** States that were printed, where lines cannot be redrawn. */
  readonly #told = new Map<string, Message['state']>();

  #openConversation(): Conversation {
    if (this.#open === undefined) throw new SdkError('not_registered', 'nobody is there to hear it: /with HANDLE first');
    return this.#open;
  }

  #nameOf(accountId: AccountId): string {
    if (accountId === this.#device.accountId) return this.#device.handle;
    const known = this.#device.conversations().find(({ peer }) => peer.accountId === accountId);
    return printable(known?.peer.handle ?? accountId);
  }

  async #withErrors(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof SdkError || error instanceof DomainError)) throw error;
      this.#screen.print(`! ${error.message}`);
    }
  }
}
