import type { ConnectionStatus, Message, Notice, OutgoingState } from '../../sdk/index.js';

const dim = (text: string): string => `\u001b[2m${text}\u001b[22m`;
const blue = (text: string): string => `\u001b[94m${text}\u001b[39m`;

/** What a state looks like: kept here, stored by the server, on the other device, read there. */
const ticks: Record<OutgoingState, string> = { pending: '⏳', accepted: '✓', delivered: '✓✓', read: '✓✓', failed: '✗' };

export interface LineStyle {
  readonly colour: boolean;
}

/** One line for a message: `10:32 alice: hello ✓✓`. */
export function messageLine(message: Message, name: string, style: LineStyle): string {
  const { acceptedAtMs, state } = message;
  const time = acceptedAtMs === undefined ? '     ' : new Date(acceptedAtMs).toTimeString().slice(0, 5);
  const tick = state === undefined ? '' : ` ${tickOf(state, style)}`;
  const failure = message.failure === undefined ? '' : ` (${message.failure})`;
  return `${style.colour ? dim(time) : time} ${name}: ${textOf(message)}${tick}${failure}`;
}

/** For output that cannot be redrawn: what became of a message. */
export function stateLine(message: Message, style: LineStyle): string {
  const { state = 'pending' } = message;
  return `  ${tickOf(state, style)} ${state}: ${textOf(message)}`;
}

function tickOf(state: OutgoingState, { colour }: LineStyle): string {
  if (state !== 'read') return ticks[state];
  return colour ? blue(ticks.read) : `${ticks.read} read`;
}

/** Control characters of others do not reach the terminal. */
function textOf({ content }: Message): string {
  switch (content.type) {
    case 'text':
      return printable(content.text);
    case 'unsupported':
      return '[made by a newer version]';
    case 'undecryptable':
      return '[could not be decrypted]';
  }
}

export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

export function statusLine(status: ConnectionStatus): string {
  switch (status.state) {
    case 'connecting':
      return '· connecting';
    case 'draining':
      return '· online, fetching what came while you were away';
    case 'online':
      return '· online';
    case 'offline':
      return `· offline: ${status.reason}${status.retryInMs === undefined ? '' : `; next try in ${(status.retryInMs / 1_000).toFixed(1)} s`}`;
  }
}

/** `names` tells what an account is called here. */
export function noticeLine(notice: Notice, nameOf: (accountId: string) => string): string {
  switch (notice.kind) {
    case 'identity-changed':
      return `! The keys of ${nameOf(notice.accountId)} changed. Compare /safety with them before you say anything secret.`;
    case 'sending-held':
      return `! Not sent: ${messageOf(notice.error)}`;
    case 'undecryptable':
      return `! A message could not be decrypted: ${notice.reason}`;
    case 'gap':
      return `! Messages are missing: ${notice.gap.reason}`;
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
