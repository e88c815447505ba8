import {
  DomainError,
  SdkError,
  type AccountId,
  type Conversation,
  type ConversationId,
  type Device,
  type DirectConversation,
  type GroupConversation,
  type Message,
} from '../../sdk/index.js';
import { SerialQueue } from '../../sdk/serial-queue.js';
import { channelCommands } from './channel-commands.js';
import { chatHelp, shownHistory } from './chat-help.js';
import { chatInputOf } from './chat-input.js';
import { conversationName, conversationsLine, dim, elsewhereLine, noticeLine, statusLine, tickLine, type LineStyle } from './chat-lines.js';
import { ChatRefusal } from './chat-refusal.js';
import { Company } from './company.js';
import { contentCommands } from './content-commands.js';
import { deviceCommands } from './device-commands.js';
import { groupCommands } from './group-commands.js';
import { Names } from './names.js';
import { printable } from './printable.js';
import { privacyCommands } from './privacy-commands.js';
import { safetyCommands } from './safety-commands.js';
import type { Screen } from './screen.js';
import { ShownNumbers } from './shown-numbers.js';
import { ShownTicks } from './shown-ticks.js';

/** One person at one terminal: hears what comes, sends what is typed. */
export class ChatSession {
  /** More of what this device received is on the screen. */
  onShown: () => void = () => undefined;
  readonly #device: Device;
  readonly #screen: Screen;
  readonly #ticks = new ShownTicks();
  readonly #numbers = new ShownNumbers();
  /** Positions up to which others' messages were on the screen, by conversation; before that: when the device was opened. */
  readonly #shown = new Map<ConversationId, number>();
  readonly #before = new Map<ConversationId, number>();
  readonly #names: Names;
  readonly #company: Company;
  /** Messages go on the screen in their order, whichever name is known first. */
  readonly #showing = new SerialQueue();
  #open: Conversation | undefined;
  #troubles = 0;

  constructor(device: Device, screen: Screen) {
    this.#device = device;
    this.#screen = screen;
    this.#names = new Names(device);
    this.#company = new Company(device, screen, (accountId) => this.#names.of(accountId));
  }

  /** Something that was asked for did not work. */
  get hadTroubles(): boolean {
    return this.#troubles > 0;
  }

  /** From now on, what happens to the device is shown. */
  listen(): void {
    const device = this.#device;
    for (const { conversationId } of device.conversations()) this.#before.set(conversationId, this.#newest(conversationId));
    device.on('status', (status) => {
      // What ends it for good is told by the command.
      if (!(status.state === 'offline' && status.final)) this.#replaceLast('status', statusLine(status));
    });
    const nameOf = (accountId: string) => this.#names.of(accountId as AccountId);
    device.on('notice', (notice) => this.#screen.print(noticeLine(notice, nameOf)));
    device.on('message', ({ conversation, ...message }) => this.#carefully(() => this.#showing.run(() => this.#heard(message, conversation))));
    device.on('outgoing', (message) => {
      const changed = this.#ticks.add(message, device.receiptsOf(message.conversationId));
      if (changed !== undefined) this.#showTicks([changed]);
      if (message.state === 'failed') this.#troubles += 1;
    });
    this.#company.listen();
    device.on('message-changed', (message) => this.#carefully(() => this.#showing.run(() => this.#changed(message))));
    device.on('disappeared', ({ messages }) => {
      for (const { messageId } of messages) this.#screen.redraw(messageId, '[disappeared]');
    });
    device.on('receipts', ({ conversationId, ...receipts }) => this.#showTicks(this.#ticks.raise(conversationId, receipts)));
  }

  /** Everything that this device received is shown. */
  get isCaughtUp(): boolean {
    const shown = (conversationId: ConversationId) => Math.max(this.#shown.get(conversationId) ?? 0, this.#before.get(conversationId) ?? 0);
    return this.#device.conversations().every(({ conversationId }) => this.#newest(conversationId) <= shown(conversationId));
  }

  /** Connects the device. Resolves when the input ends or somebody quits; `false` at once if what is piped in has nobody to go to. */
  async run(peer: string | undefined): Promise<boolean> {
    this.#screen.setPrompt('to whom? ');
    this.#screen.print(`You are ${this.#device.handle}. /help lists what you can do.`);
    if (peer === undefined) this.#screen.print(conversationsLine(this.#device.conversations()));
    else await this.#carefully(() => this.#talkTo(peer));
    // What was piped in is meant for nobody else.
    if (peer !== undefined && this.#open === undefined && !this.#screen.interactive) return false;
    this.#device.connect();
    for await (const line of this.#screen.lines()) {
      const input = chatInputOf(line);
      if (input.kind === 'command' && input.name === 'quit') break;
      await this.#carefully(() => this.#take(input));
    }
    return true;
  }

  async #take(input: ReturnType<typeof chatInputOf>): Promise<void> {
    switch (input.kind) {
      case 'nothing':
        this.#device.retryNow();
        break;
      case 'text':
        if (this.#open === undefined) await this.#talkTo(input.text);
        else await this.#device.send(this.#open.conversationId, { type: 'text', text: input.text });
        break;
      case 'command':
        await this.#command(input.name, input.argument);
        break;
    }
  }

  async #command(name: string, argument: string | undefined): Promise<void> {
    if (this.#screen.interactive) this.#screen.print(dim(`/${name} ${argument ?? ''}`));
    const commands: Readonly<Record<string, () => unknown>> = {
      help: () => this.#screen.print(chatHelp),
      with: () => (argument === undefined ? this.#who() : this.#talkTo(argument)),
      who: () => this.#who(),
      history: () => this.#showing.run(() => this.#history(Number(argument) || shownHistory)),
      ...this.#moreCommands(argument),
    };
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command === undefined) throw new ChatRefusal(`there is no /${printable(name)}; /help lists what there is`);
    await command();
  }

  #moreCommands(argument: string | undefined) {
    const device = this.#device;
    const print = (line: string) => {
      this.#screen.print(line);
    };
    const messageOf = (number: number) => this.#numbers.messageOf(number);
    const talkTo = (conversation: Conversation) => this.#talkIn(conversation);
    return {
      ...contentCommands({ device, print, messageOf, open: () => this.#conversation().conversationId }, argument),
      ...safetyCommands({ device, print, peer: () => this.#peer() }),
      ...groupCommands({ device, print, talkTo, open: () => this.#group() }, argument),
      ...channelCommands({ device, print, talkTo, open: this.#open }, argument),
      ...deviceCommands({ device, print }, argument),
      ...privacyCommands({ device, print, peer: () => this.#peer('blocks') }, argument),
    };
  }

  async #talkTo(name: string): Promise<void> {
    await this.#talkIn(name.startsWith('#') ? this.#groupCalled(name) : await this.#conversationWith(name));
  }

  async #talkIn(conversation: Conversation): Promise<void> {
    const name = conversationName(conversation);
    this.#open = conversation;
    this.#screen.print(`— ${name} —`);
    this.#company.opened(conversation);
    await this.#showing.run(() => this.#history(shownHistory));
  }

  #groupCalled(name: string): Conversation {
    const found = this.#device.conversations().find((conversation) => conversation.kind !== 'direct' && conversationName(conversation) === name);
    if (found === undefined) throw new ChatRefusal(`there is no ${printable(name)} here; /who lists what there is`);
    return found;
  }

  async #conversationWith(handle: string): Promise<Conversation> {
    if (handle === this.#device.handle) throw new ChatRefusal('that is you; name somebody else');
    try {
      return await this.#device.conversationWith(handle);
    } catch (error) {
      const unknown = error instanceof DomainError && (error.code === 'not_found' || error.code === 'invalid_request');
      throw unknown ? new ChatRefusal(`nobody here is called ${printable(handle)}`) : error;
    }
  }

  #who(): void {
    this.#screen.print(conversationsLine(this.#device.conversations()));
  }

  async #history(count: number): Promise<void> {
    const { conversationId } = this.#conversation();
    const receipts = this.#device.receiptsOf(conversationId);
    const messages = this.#device.messages(conversationId, { limit: count });
    await this.#names.learn(messages);
    for (const message of messages) {
      if (message.state !== undefined) this.#ticks.add(message, receipts);
      this.#show(message);
    }
    await this.#device.markRead(conversationId);
  }

  async #heard(message: Message, conversation: Conversation): Promise<void> {
    const { conversationId, position = 0 } = message;
    await this.#names.learn([message]);
    const isOpen = conversationId === this.#open?.conversationId;
    // The history may have shown it before it was told.
    if (position > (this.#shown.get(conversationId) ?? 0)) {
      if (isOpen) this.#show(message);
      else {
        this.#shown.set(conversationId, position);
        this.#screen.print(elsewhereLine(this.#names.lineOf(message, this.#style()), conversationName(conversation)));
      }
    }
    if (isOpen) await this.#device.markRead(conversationId);
    this.onShown();
  }

  #show(message: Message): void {
    const { conversationId, messageId, position = 0, state } = message;
    if (state === undefined) this.#shown.set(conversationId, Math.max(position, this.#shown.get(conversationId) ?? 0));
    this.#screen.print(this.#lineOf(message), messageId);
  }

  /** Where the line cannot be drawn again it is printed once more. */
  async #changed(message: Message): Promise<void> {
    await this.#names.learn([message]);
    if (message.conversationId === this.#open?.conversationId && !this.#redraw(message)) this.#show(message);
  }

  /** `[3] 10:32 alice: hello ✓`. */
  #lineOf(message: Message): string {
    const line = this.#names.lineOf(message, this.#style());
    const hasNumber = message.content.type !== 'event' && message.content.type !== 'disappearing';
    return hasNumber ? `[${this.#numbers.numberOf(message.messageId)}] ${line}` : line;
  }

  /** Of others' messages; 0 if there is none. */
  #newest(conversationId: ConversationId): number {
    const messages = this.#device.messages(conversationId, { limit: shownHistory });
    return messages.findLast(({ state }) => state === undefined)?.position ?? 0;
  }

  /** Of one conversation, oldest first. On a terminal the lines themselves change; of those that have left the screen, one line tells how far it is. */
  #showTicks(ticked: readonly Message[]): void {
    const messages = ticked.flatMap((message) => this.#asItIs(message));
    if (!this.#screen.interactive) {
      for (const message of messages) this.#screen.print(tickLine(message, this.#style()));
      return;
    }
    const open = messages.filter(({ conversationId }) => conversationId === this.#open?.conversationId);
    const offScreen = open.filter((message) => !this.#redraw(message));
    for (const message of offScreen.filter(({ state }) => state === 'pending')) this.#show(message);
    const furthest = offScreen.findLast(({ state }) => state !== 'pending');
    if (furthest !== undefined) this.#replaceLast('off-screen', tickLine(furthest, this.#style()));
  }

  /** With the tick that it is to have; none if it has disappeared. */
  #asItIs({ conversationId, messageId, state }: Message): Message[] {
    const message = this.#device.message(conversationId, messageId);
    return message === undefined ? [] : [{ ...message, state }];
  }

  #redraw(message: Message): boolean {
    return this.#screen.redraw(message.messageId, this.#lineOf(message));
  }

  /** Lines of one kind that follow each other take one line. */
  #replaceLast(id: string, line: string): void {
    if (this.#screen.lastId !== id || !this.#screen.redraw(id, line)) this.#screen.print(line, id);
  }

  #conversation(): Conversation {
    if (this.#open === undefined) throw new ChatRefusal('say to whom first: /with HANDLE');
    return this.#open;
  }

  #peer(what = 'safety numbers'): DirectConversation['peer'] {
    const conversation = this.#conversation();
    if (conversation.kind !== 'direct') throw new ChatRefusal(`${what} are between two people: /with HANDLE`);
    return conversation.peer;
  }

  /** As it is now. */
  #group(): GroupConversation {
    const { conversationId } = this.#conversation();
    const conversation = this.#device.conversations().find((known) => known.conversationId === conversationId);
    if (conversation?.kind !== 'group') throw new ChatRefusal('open a group first: /group or /with #TITLE');
    return conversation;
  }

  #style(): LineStyle {
    return { colour: this.#screen.colour, nowMs: Date.now() };
  }

  /** What fails as expected is a line, and the conversation goes on. */
  async #carefully(work: () => void | Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ChatRefusal || error instanceof SdkError || error instanceof DomainError)) throw error;
      this.#troubles += 1;
      this.#screen.print(`! ${error.message}`);
    }
  }
}
