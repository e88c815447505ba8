import { Entitlement } from './entitlement.js';
import type { Outcome } from './judging.js';
import { decidedIn, placeSaid, type Placed } from './place-said.js';
import type { KnownDevice, Life, LogEntry, ReceiptClaim, Record, Shown } from './record.js';
import type { Name } from './script.js';

const atTheEnd = { fromMs: Infinity, toMs: Infinity };

/** What comes when it comes: ticks that a device does not show yet, or shows too early, and messages that it did not tell its app. Asked until it is empty. */
export function findUnsettled({ record, logs, transcripts }: Outcome): readonly string[] {
  const entitlement = new Entitlement(record);
  return record.devices.flatMap(({ name, account, unlinked }) =>
    record.conversations.flatMap(({ name: conversation }) => {
      if (unlinked !== undefined) return [];
      const { messages = [], readUpTo } = transcripts.get(name)?.get(conversation) ?? {};
      const untold = untoldOf(record, name, messages).map(({ messageId }) => `${messageId} was not told`);
      const isIn = entitlement.isMember(conversation, account, atTheEnd) === 'yes';
      const faults = [
        ...untold,
        ...(isIn ? tickFaults(record, entitlement, { account, conversation, messages, readUpTo, log: logs.get(conversation) ?? [] }) : []),
      ];
      return faults.map((fault) => `${name} in ${conversation}: ${fault}`);
    }),
  );
}

function untoldOf(record: Record, name: Name, messages: readonly Shown[]): readonly Shown[] {
  const told = new Set(record.told.filter(({ device }) => device === name).map(({ messageId }) => messageId));
  return messages.filter(({ messageId, device, content }) => !told.has(messageId) && (device !== name || content.type === 'event'));
}

interface Seen {
  readonly account: Name;
  readonly conversation: Name;
  readonly messages: readonly Shown[];
  readonly readUpTo: number | undefined;
  readonly log: readonly LogEntry[];
}

function tickFaults(record: Record, entitlement: Entitlement, { account, conversation, messages, readUpTo, log }: Seen): readonly string[] {
  const accounts = new Set(record.devices.map((device) => device.account));
  // Who reads a channel is nobody's news.
  const told = entitlement.isChannel(conversation) ? [] : [...accounts];
  const others = told.filter((of) => of !== account && entitlement.isMember(conversation, of, atTheEnd) === 'yes');
  const read = others.map((of): Reader => ({ upTo: readBy(record, of, conversation) ?? -1, joinedAt: joinedAt(log, of) }));
  // Events have no receipts of their own.
  const ticked = messages.filter(({ content, state }) => content.type !== 'event' && state !== undefined);
  const wrong = ticked.filter((message) => message.state !== stateOf(message, read));
  const own = readBy(record, account, conversation);
  return [
    ...wrong.map((message) => `${message.messageId} is ${message.state ?? 'nothing'}, not ${stateOf(message, read) ?? 'nothing'}`),
    ...(readUpTo === own ? [] : [`the account read up to ${readUpTo ?? 'nowhere'}, not ${own ?? 'nowhere'}`]),
  ];
}

/** What was said to be on a device, or read, and was not: told while all devices of the account were away, or before anybody read. */
export function findEarlyReceipts({ record, logs }: Outcome): readonly string[] {
  const entitlement = new Entitlement(record);
  const { entries } = placeSaid(record, logs, entitlement);
  return record.claims.flatMap((claim) => {
    const { device, conversation, account, atMs, delivered, read } = claim;
    const whom = `${device} was told at ${atMs} of ${account} in ${conversation}`;
    const marks = record.reads.filter(
      (mark) => accountOf(record, mark.device) === account && mark.conversation === conversation && mark.atMs <= atMs,
    );
    const early = read !== undefined && !marks.some(({ position }) => position >= read);
    const holds = delivered === undefined || isDelivered({ record, entitlement, claim, delivered, entries: entries.get(conversation) ?? [] });
    return [
      ...(early ? [`${whom}: read up to ${read}, before anybody read so far`] : []),
      ...(holds ? [] : [`${whom}: delivered up to ${delivered}, which none of its devices had`]),
    ];
  });
}

interface DeliveryClaim {
  readonly record: Record;
  readonly entitlement: Entitlement;
  readonly claim: ReceiptClaim;
  readonly delivered: number;
  readonly entries: readonly Placed[];
}

/** Known of a time at which no device of the account was open: they had then what they have when they are opened next. */
function isDelivered({ record, entitlement, claim: { account, conversation, atMs }, delivered, entries }: DeliveryClaim): boolean {
  const devices = record.devices.filter((device) => device.account === account);
  const next = devices.map((device) => ({ device, life: nextLifeOf(record, device, atMs) }));
  if (next.some(({ life }) => life === undefined)) return true;
  return next.some(({ device, life }) => {
    const held = new Set(life?.held.get(conversation) ?? []);
    const due = entries.filter(
      (entry) =>
        entry.position <= delivered &&
        entry.device !== device.name &&
        (entry.said === undefined || entry.said.messageId !== undefined) &&
        entitlement.gets(device.name, conversation, decidedIn(entry, record.lives)) === 'yes',
    );
    return due.every(({ messageId }) => held.has(messageId));
  });
}

/** `undefined`: the device was open then, or nobody knows what it had. */
function nextLifeOf({ lives }: Record, { name }: KnownDevice, atMs: number): Life | undefined {
  const own = lives.filter(({ device }) => device === name);
  const isOpen = own.some(({ openedAtMs, closedAtMs = Infinity }) => openedAtMs <= atMs && atMs <= closedAtMs);
  return isOpen ? undefined : own.find(({ openedAtMs }) => openedAtMs > atMs);
}

interface Reader {
  readonly upTo: number;
  /** What was said before is not for it. */
  readonly joinedAt: number;
}

function joinedAt(log: readonly LogEntry[], account: Name): number {
  return log.findLast(({ event }) => event?.type === 'members-added' && event.members.includes(account))?.position ?? -1;
}

/** As everything is delivered. */
function stateOf({ position, state }: Shown, others: readonly Reader[]): Shown['state'] {
  if (position === undefined) return state;
  const concerned = others.filter((other) => other.joinedAt < position);
  if (concerned.length === 0) return 'accepted';
  return concerned.every(({ upTo }) => upTo >= position) ? 'read' : 'delivered';
}

/** How far an account read, on any of its devices. */
function readBy(record: Record, account: Name, conversation: Name): number | undefined {
  const positions = record.reads.filter((mark) => accountOf(record, mark.device) === account && mark.conversation === conversation);
  return positions.length === 0 ? undefined : Math.max(...positions.map(({ position }) => position));
}

function accountOf({ devices }: Record, name: Name): Name | undefined {
  return devices.find((device) => device.name === name)?.account;
}
