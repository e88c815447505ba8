import { Entitlement } from './entitlement.js';
import { concernedBy } from './expected-messages.js';
import { decidedIn, placeSaid, type Placed, type PlacedLog } from './place-said.js';
import type { Logs, Record, ShownConversation, Transcripts } from './record.js';
import type { Name } from './script.js';
import type { Certainty } from './timeline.js';

/** What a run is judged by: what happened, the server's order, and what every device shows. */
export interface Outcome {
  readonly record: Record;
  readonly logs: Logs;
  readonly transcripts: Transcripts;
}

/** With everything that was said in its place. */
export interface Judging extends Outcome {
  readonly entitlement: Entitlement;
  readonly placed: PlacedLog;
}

export function judge(outcome: Outcome): Judging {
  const entitlement = new Entitlement(outcome.record);
  return { ...outcome, entitlement, placed: placeSaid(outcome.record, outcome.logs, entitlement) };
}

/** Whether a device is to see a row of the log. */
export function certaintyOf({ entitlement, record }: Judging, device: Name, entry: Placed): Certainty {
  // Its own device sees what it said, whoever else is to get it.
  if (entry.said !== undefined && entry.device === device) return 'yes';
  if (entitlement.isChannel(entry.conversation)) return entitlement.reads(device, entry.conversation, entry.acceptedAtMs);
  const window = decidedIn(entry, record.lives);
  if (entry.changed === undefined) return entitlement.gets(device, entry.conversation, window);
  // An event goes to those who are in the group after the change, and to whom it removed.
  const { change, fromMs, toMs } = entry.changed;
  const account = entitlement.accountOf(device);
  const isTold = concernedBy(change).includes(account) ? 'yes' : entitlement.isMember(entry.conversation, account, { fromMs, toMs });
  return isTold === 'yes' ? entitlement.isLinked(device, window) : isTold;
}

export function shownBy({ transcripts }: Judging, device: Name, conversation: Name): ShownConversation {
  return transcripts.get(device)?.get(conversation) ?? { messages: [], gaps: [] };
}

/** How many pairs of a device and a row of the log there are, and of how many the model leaves open whether the device sees it. */
export function countOpen(outcome: Outcome): { readonly pairs: number; readonly open: number } {
  const judging = judge(outcome);
  const all = outcome.record.devices.flatMap(({ name }) =>
    [...judging.placed.entries.values()].flat().map((entry) => certaintyOf(judging, name, entry)),
  );
  return { pairs: all.length, open: all.filter((certainty) => certainty === 'maybe').length };
}
