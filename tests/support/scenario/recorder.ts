import type { Content } from '../../../sdk/index.js';
import type { HostAnswers, HostEvent, SaidAnswer } from './host-calls.js';
import type { Names } from './names.js';
import type { Changed, KnownDevice, Life, Noticed, ReadMark, ReceiptClaim, Record, Said, Told, Window } from './record.js';
import type { ConversationOfScript, Name } from './script.js';

/** What disappears before a run ends. */
export const fleetingUpToSeconds = 10;
/** A device may lose the server at any moment, and tells of it. */
const harmless = ['gap', 'background-failed'];
/** Of what is to be posted before the channel's newest key came. */
const keyIsMissing = 'the newest key of this channel is not here yet';

/** Keeps what happens, in the names of the script. */
export class Recorder implements Record {
  readonly conversations: readonly ConversationOfScript[];
  readonly devices: KnownDevice[] = [];
  readonly said: Said[] = [];
  readonly changes: Changed[] = [];
  readonly lives: Life[] = [];
  readonly told: Told[] = [];
  readonly reads: ReadMark[] = [];
  readonly claims: ReceiptClaim[] = [];
  readonly notices: Noticed[] = [];
  readonly #names: Names;

  constructor(conversations: readonly ConversationOfScript[], names: Names) {
    this.conversations = conversations;
    this.#names = names;
  }

  opened(device: Name, { openedAtMs, held }: HostAnswers['open']): void {
    this.lives.push({ device, openedAtMs, held: new Map(held.map(([id, messageIds]) => [this.#names.of(id), messageIds])) });
  }

  closed(device: Name, closedAtMs: number): void {
    const index = this.lives.findLastIndex((life) => life.device === device);
    const life = this.lives[index];
    if (life !== undefined && life.closedAtMs === undefined) this.lives[index] = { ...life, closedAtMs };
  }

  unlinked(name: Name, unlinked: Window): void {
    const index = this.devices.findIndex((device) => device.name === name);
    const device = this.devices[index];
    if (device !== undefined) this.devices[index] = { ...device, unlinked };
  }

  sent(device: Name, conversation: Name, atMs: number, { content, messageId, ttlSeconds }: SaidAnswer): void {
    const isFleeting = ttlSeconds === undefined ? this.#isAboutFleeting(content) : ttlSeconds <= fleetingUpToSeconds;
    this.said.push({ device, conversation, atMs, content, messageId, ttlSeconds, isFleeting });
  }

  take(event: HostEvent): void {
    const { device, atMs } = event;
    if (event.event === 'told') {
      const { message, openedAtMs } = event;
      const { messageId, acceptedAtMs = 0 } = message;
      const [conversation, sender] = [this.#names.of(message.conversationId), this.#names.ofDevice(message.sender)];
      this.told.push({ device, openedAtMs, conversation, messageId, sender, acceptedAtMs });
    } else if (event.event === 'receipts') {
      const conversation = this.#names.of(event.conversationId);
      for (const [account, receipts] of event.members)
        this.claims.push({ device, conversation, account: this.#names.of(account), ...receipts, atMs });
    } else if (event.event === 'notice') {
      if (!harmless.includes(event.kind) && !this.#isExpected(device, event)) this.notices.push({ device, kind: event.kind, text: event.text });
    }
  }

  /** What is done to a message goes with it. */
  #isAboutFleeting(content: Content): boolean {
    return 'messageId' in content && this.said.some(({ messageId, isFleeting }) => isFleeting && messageId === content.messageId);
  }

  /** An unlinked device is stopped, and cannot send any more. */
  #isExpected(name: Name, { kind, text }: Extract<HostEvent, { event: 'notice' }>): boolean {
    if (kind === 'sending-held' && text.includes(keyIsMissing)) return true;
    return ['stopped', 'sending-held'].includes(kind) && this.devices.some((device) => device.name === name && device.unlinked !== undefined);
  }
}
