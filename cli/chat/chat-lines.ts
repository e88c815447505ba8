import type { ConnectionStatus, Conversation, Message, Notice, OutgoingState } from '../../sdk/index.js';
import { fullTextOf, shortened, textOf } from './content-text.js';
import { printable } from './printable.js';

/** What a state looks like: kept here, stored by the server, on the other device, read there. */
const ticks: Record<OutgoingState, string> = { pending: '⏳', accepted: '✓', delivered: '✓✓', read: '✓✓', failed: '✗' };

export interface LineStyle {
  readonly colour: boolean;
  /** Messages of another day show which. */
  readonly nowMs: number;
}

/** `10:32 alice: hello ✓✓`. `quoted`: the message that it answers, if that is here. */
export function messageLine(message: Message, name: string, style: LineStyle, quoted?: Message): string {
  const tick = message.state === undefined ? '' : ` ${tickOf(message.state, style)}`;
  const failure = message.failure === undefined ? '' : ` (${message.failure})`;
  const time = timeOf(message.acceptedAtMs ?? style.nowMs, style.nowMs);
  return `${style.colour ? dim(time) : time} ${name}: ${fullTextOf(message, quoted)}${tick}${failure}`;
}

/** What became of a message whose own line cannot be drawn again: `✓✓ "hello"`. */
export function tickLine(message: Message, style: LineStyle): string {
  const { state = 'pending', failure } = message;
  return `${tickOf(state, style)} "${shortened(textOf(message))}"${failure === undefined ? '' : ` (${failure})`}`;
}

/** `10:32 · alice added bob`. */
export function eventLine({ acceptedAtMs }: Message, text: string, style: LineStyle): string {
  const time = timeOf(acceptedAtMs ?? style.nowMs, style.nowMs);
  return `${style.colour ? dim(time) : time} · ${text}`;
}

/** A line of a conversation that is not open, and how to open it. */
export function elsewhereLine(line: string, conversation: string): string {
  return `(${line}) — /with ${conversation}`;
}

export function statusLine(status: ConnectionStatus): string {
  switch (status.state) {
    case 'connecting':
      return '· connecting';
    case 'draining':
      return '· online, draining: fetching what came while you were away';
    case 'online':
      return '· online';
    case 'offline':
      return `· offline: ${status.reason}${status.retryInMs === undefined ? '' : `; reconnecting in ${(status.retryInMs / 1_000).toFixed(1)} s`}`;
  }
}

/** `nameOf` tells what an account is called here. */
export function noticeLine(notice: Notice, nameOf: (accountId: string) => string): string {
  switch (notice.kind) {
    case 'identity-changed':
      return `! The keys of ${nameOf(notice.accountId)} changed. Compare /safety with them before you say anything secret.`;
    case 'sending-held':
      return `! Not sent yet: ${messageOf(notice.error)}`;
    case 'change-refused':
      return `! What you did to a message was refused: ${notice.failure}`;
    case 'undecryptable':
      return `! A message could not be decrypted: ${notice.reason}`;
    case 'gap':
      return `! Messages are missing: ${notice.gap.reason}`;
    case 'channel-left':
      return '! You are not in a channel any more that you were in; what came stays here.';
    case 'not-stored':
      return `! What arrived could not be stored: ${messageOf(notice.error)}`;
    case 'background-failed':
      return `! ${messageOf(notice.error)}`;
  }
}

/** Twelve groups of five digits, four in a line. */
export function safetyNumberLines(digits: string): readonly string[] {
  const groups = digits.match(/.{1,5}/g) ?? [];
  return [0, 4, 8].map((from) => `    ${groups.slice(from, from + 4).join(' ')}`);
}

export function conversationsLine(conversations: readonly Conversation[]): string {
  const names = conversations.map(conversationName);
  return names.length === 0 ? '  No conversations yet.' : `  You talked to ${names.join(', ')}.`;
}

/** What `/with` takes: a handle, or `#` and the title of a group or channel. */
export function conversationName(conversation: Conversation): string {
  if (conversation.kind !== 'direct') return `#${printable(conversation.title ?? conversation.conversationId)}`;
  return printable(conversation.peer.handle ?? conversation.peer.accountId);
}

export function dim(text: string): string {
  return `\u001b[2m${text}\u001b[22m`;
}

function blue(text: string): string {
  return `\u001b[94m${text}\u001b[39m`;
}

function tickOf(state: OutgoingState, { colour }: LineStyle): string {
  if (state !== 'read') return ticks[state];
  return colour ? blue(ticks.read) : `${ticks.read} read`;
}

/** Of another day with its date. */
export function timeOf(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const time = at.toTimeString().slice(0, 5);
  return at.toDateString() === new Date(nowMs).toDateString() ? time : `${at.toDateString().slice(4)} ${time}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
