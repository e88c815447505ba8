import { expectedMessages, isEffect } from './expected-messages.js';
import { certaintyOf, shownBy, type Judging } from './judging.js';
import { mayBeRefused, type Placed } from './place-said.js';
import type { KnownDevice, Shown } from './record.js';
import type { Name } from './script.js';

/** More that is open would make the comparison vague. */
const mostOpen = 10;

/** What the model leaves open: which of the open rows the device took, and up to where it got everything. */
interface Choice {
  readonly taken: ReadonlySet<Placed>;
  readonly until: number;
}

/** Where a device shows something else than the model says: nothing, if one of the outcomes that the model allows is what it shows. */
export function findTranscriptFaults(judging: Judging, device: KnownDevice, conversation: Name): readonly string[] {
  const shown = shownBy(judging, device.name, conversation).messages;
  const entries = judging.placed.entries.get(conversation) ?? [];
  const accepted = new Set<string>(shown.filter(({ position }) => position !== undefined).map(({ messageId }) => messageId));
  const certainty = new Map(entries.map((entry) => [entry, certaintyOf(judging, device.name, entry)]));
  const open = entries.filter((entry) => certainty.get(entry) === 'maybe');
  // An open message is seen if it is shown; of what was done to others nobody knows.
  const openEffects = open.filter(({ said }) => said !== undefined && isEffect(said.content));
  if (openEffects.length > mostOpen) return [`the model leaves open whether it sees ${openEffects.length} rows: too many`];
  const sees = (entry: Placed, { taken, until }: Choice): boolean => {
    const isOwn = entry.device === device.name;
    // It was stopped before it heard that it was accepted.
    if (isOwn && device.unlinked !== undefined && entry.said?.messageId !== undefined) return accepted.has(entry.messageId);
    if (entry.position > until && !isOwn) return false;
    if (certainty.get(entry) !== 'maybe') return certainty.get(entry) === 'yes';
    return openEffects.includes(entry) ? taken.has(entry) : accepted.has(entry.messageId);
  };
  const isChannel = judging.entitlement.isChannel(conversation);
  const accountOf = (of: Name) => judging.entitlement.accountOf(of);
  const refused = refusedBy(judging, device, conversation, shown);
  const expected = (choice: Choice) =>
    [...expectedMessages(entries, { isChannel, accountOf, sees: (entry) => sees(entry, choice) }), ...refused].map(comparable);
  // An unlinked device has everything up to some place, at which it was cut off.
  const cuts = device.unlinked === undefined ? [Infinity] : [Infinity, 0, ...entries.map(({ position }) => position)];
  const choices = subsetsOf(openEffects).flatMap((taken) => cuts.map((until) => ({ taken, until })));
  const seen = shown.map(comparable);
  const faults = choices.map((choice) => differences(expected(choice), seen));
  return faults.reduce((best, next) => (next.length < best.length ? next : best));
}

/** At the end of a conversation, by their ids. Of an unlinked device they may still be on their way, and nobody knows of what disappears whether it was refused. */
function refusedBy(
  { placed, record, entitlement }: Judging,
  { name, unlinked }: KnownDevice,
  conversation: Name,
  shown: readonly Shown[],
): readonly Shown[] {
  if (unlinked !== undefined) return shown.filter(({ device, position }) => device === name && position === undefined);
  const failed = new Set(shown.filter(({ state }) => state === 'failed').map(({ messageId }) => messageId));
  // An admin who was removed hears this, one who is a member now the other.
  const silenced = new Set(
    shown.filter(({ failure }) => failure === 'forbidden' && entitlement.isChannel(conversation)).map(({ messageId }) => messageId),
  );
  const fleeting = record.said.filter(
    (said) => said.isFleeting && said.messageId !== undefined && failed.has(said.messageId) && mayBeRefused(said, record, entitlement),
  );
  return [...placed.refused, ...fleeting]
    .filter((said) => said.device === name && said.conversation === conversation && said.messageId !== undefined)
    .map(({ device, messageId, content }): Shown => ({
      ...{ device, messageId: messageId as Shown['messageId'], content: content as Shown['content'] },
      ...{ state: 'failed', failure: silenced.has(messageId as Shown['messageId']) ? 'forbidden' : 'not_a_member' },
    }))
    .sort((one, other) => (one.messageId < other.messageId ? -1 : 1));
}

/** Receipts are another matter: they come when they come. */
function comparable({ messageId, position, device, content, editedAtMs, reactions, ttlSeconds, state, failure }: Shown): string {
  const said = Object.entries(content.type === 'event' ? eventOf(content.event) : content).sort();
  const parts = { messageId, position, device, ...Object.fromEntries(said), editedAtMs, reactions };
  return JSON.stringify(position === undefined ? { ...parts, state, failure } : { ...parts, ttlSeconds });
}

/** Members in any order: a server may list them as it likes. */
function eventOf(event: Extract<Shown['content'], { type: 'event' }>['event']): object {
  return 'members' in event ? { ...event, members: [...event.members].sort() } : event;
}

function differences(expected: readonly string[], seen: readonly string[]): readonly string[] {
  if (expected.join('\n') === seen.join('\n')) return [];
  const missing = expected.filter((line) => !seen.includes(line)).map((line) => `should show ${line}`);
  const extra = seen.filter((line) => !expected.includes(line)).map((line) => `shows       ${line}`);
  if (missing.length + extra.length > 0) return [...missing, ...extra];
  return [`shows the same ${seen.length} messages in another order, or one of them twice`];
}

function subsetsOf<Item>(items: readonly Item[]): readonly ReadonlySet<Item>[] {
  return Array.from({ length: 2 ** items.length }, (_, bits) => new Set(items.filter((_item, index) => ((bits >> index) & 1) === 1)));
}
