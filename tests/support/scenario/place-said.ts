import type { Entitlement } from './entitlement.js';
import type { Changed, LogEntry, Logs, Record, Said, Window } from './record.js';
import type { ConversationOfScript, Name } from './script.js';

/** A row of the log with what was said or changed by it. */
export type Placed = LogEntry & { readonly conversation: Name } & (
    { readonly said: Said; readonly changed?: undefined } | { readonly said?: undefined; readonly changed: Changed }
  );

export interface PlacedLog {
  /** By conversation, in its order. */
  readonly entries: ReadonlyMap<Name, readonly Placed[]>;
  /** What the server never took. */
  readonly refused: readonly Said[];
  readonly faults: readonly string[];
}

/** Finds everything that was said in the server's history: once, in the order in which each device said it. */
export function placeSaid(record: Record, logs: Logs, entitlement: Entitlement): PlacedLog {
  const entries = new Map<Name, readonly Placed[]>();
  const refused: Said[] = [];
  const faults: string[] = [];
  for (const { kind, name } of record.conversations) {
    const log = logs.get(name) ?? [];
    faults.push(...orderFaults(name, log));
    const made = record.changes.filter((change) => change.conversation === name && isTold(change, kind));
    const events = placeEvents(name, log, made);
    const ofDevices = record.devices.map((device) => placeOfDevice(name, device.name, log, record.said));
    faults.push(...[events, ...ofDevices].flatMap((placed) => placed.faults));
    refused.push(...ofDevices.flatMap((placed) => placed.refused));
    entries.set(
      name,
      [events, ...ofDevices].flatMap((placed) => placed.entries).sort((one, other) => one.position - other.position),
    );
  }
  const bySaid = (said: Said) => `${said.device} in ${said.conversation}: ${JSON.stringify(said.content)}`;
  faults.push(
    ...refused.filter((said) => !mayBeRefused(said, record, entitlement)).map((said) => `the server has not got what was said by ${bySaid(said)}`),
  );
  for (const { conversation, said, device, acceptedAtMs } of [...entries.values()].flat()) {
    if (said === undefined) continue;
    const window = { fromMs: said.atMs, toMs: acceptedAtMs };
    if (entitlement.writes(device, conversation, window) === 'no')
      faults.push(`the server took from somebody outside what was said by ${bySaid(said)}`);
  }
  return { entries, refused, faults };
}

/** When the server may have decided who is to get it: after it was asked, and after the device was opened whose connection it came by. */
export function decidedIn({ said, changed, device, acceptedAtMs }: Placed, lives: Record['lives']): Window {
  if (changed !== undefined) return { fromMs: changed.fromMs, toMs: Math.max(changed.toMs, acceptedAtMs) };
  const opened = lives.filter((life) => life.device === device && life.openedAtMs <= acceptedAtMs).map(({ openedAtMs }) => openedAtMs);
  return { fromMs: Math.max(said.atMs, ...opened), toMs: acceptedAtMs };
}

function orderFaults(name: Name, log: readonly LogEntry[]): string[] {
  const twice = log.filter(({ messageId }, index) => log.findIndex((other) => other.messageId === messageId) !== index);
  const late = log.filter(({ position }, index) => index > 0 && position <= (log[index - 1]?.position ?? 0));
  return [
    ...twice.map(({ messageId }) => `${name}: the history has ${messageId} twice`),
    ...late.map(({ messageId }) => `${name}: the history is out of order at ${messageId}`),
  ];
}

interface PlacedPart {
  readonly entries: Placed[];
  readonly refused: Said[];
  readonly faults: string[];
}

/** Who comes to a channel and goes is nobody's news. */
function isTold({ change }: Changed, kind: ConversationOfScript['kind']): boolean {
  return kind !== 'channel' || change.type === 'created' || change.type === 'role-changed';
}

/** Changes are told in the order in which they were made. */
function placeEvents(conversation: Name, log: readonly LogEntry[], made: readonly Changed[]): PlacedPart {
  const events = log.filter(({ event }) => event !== undefined);
  const told = events.map(({ device, event }) => changeText(device, event));
  const wanted = made.map(({ device, change }) => changeText(device, change));
  const entries = events.flatMap((entry, index) => {
    const changed = made[index];
    return changed === undefined ? [] : [{ ...entry, conversation, changed }];
  });
  const faults =
    told.join() === wanted.join() ? [] : [`${conversation}: the changes are told as\n  ${told.join('\n  ')}\nand were\n  ${wanted.join('\n  ')}`];
  return { entries, refused: [], faults };
}

function changeText(device: Name, change: Changed['change'] | undefined): string {
  if (change === undefined) return device;
  const members = 'members' in change ? [...change.members].sort() : [change.member];
  return [device, change.type, ...members, 'role' in change ? change.role : ''].join(' ');
}

/** A device sends in one lane for each conversation, so its rows stand in the order in which it said them. */
function placeOfDevice(conversation: Name, device: Name, log: readonly LogEntry[], all: readonly Said[]): PlacedPart {
  const rows = log.filter((entry) => entry.device === device && entry.event === undefined);
  const ids = new Set(rows.map(({ messageId }) => messageId));
  const own = all.filter((said) => said.device === device && said.conversation === conversation);
  const texts = new Set<string | undefined>(own.map(({ messageId }) => messageId));
  const placed: PlacedPart = { entries: [], refused: [], faults: [] };
  for (const said of own) {
    const [next] = rows;
    if (said.isFleeting) continue;
    if (said.messageId !== undefined && !ids.has(said.messageId)) placed.refused.push(said);
    else if (next !== undefined && (said.messageId === undefined ? !texts.has(next.messageId) : next.messageId === said.messageId)) {
      placed.entries.push({ ...next, conversation, said });
      rows.shift();
    } else if (said.messageId === undefined) placed.refused.push(said);
    else placed.faults.push(`${conversation}: what ${device} said is not in its order at ${said.messageId}`);
  }
  return { ...placed, faults: [...placed.faults, ...rows.map(({ messageId }) => `${conversation}: nobody knows of ${messageId} by ${device}`)] };
}

/** Only a message of its own, by somebody who may not have been in the conversation any more, or no admin of the channel. */
export function mayBeRefused({ messageId, device, conversation, atMs }: Said, { devices }: Record, entitlement: Entitlement): boolean {
  const { unlinked } = devices.find(({ name }) => name === device) ?? {};
  const said = { fromMs: atMs, toMs: atMs };
  if (messageId === undefined) return false;
  return (unlinked !== undefined && atMs >= unlinked.fromMs) || entitlement.mayWrite(conversation, entitlement.accountOf(device), said) !== 'yes';
}
