import { isKept } from '../core/kept-kind.js';
import { isExpired } from '../core/message-expiry.js';
import type { Suspect } from '../core/suspicion.js';
import type { History, StoredAlias, StoredMessage } from '../ports/history.js';
import type { InboxPage, InboxRange, InboxRow } from '../ports/inbox.js';
import type { ConversationId, MessageId, Position } from '../protocol/ids.js';
import { limits } from '../protocol/limits.js';
import type { DeliverItem } from '../protocol/server-frames.js';

/** Whether the history-writer is past a position, so that what History lacks there will never come. */
export type HistoryPassed = (conversationId: ConversationId, position: Position) => Promise<boolean>;

export interface DrainPageDependencies {
  readonly history: History;
  readonly historyPassed: HistoryPassed;
  nowMs(): number;
}

/** Messages that the device will never get. */
export interface LostMessages {
  readonly conversationId: ConversationId;
  readonly from: Position;
  readonly to: Position;
  readonly messageIds: readonly MessageId[];
}

/** What of some inbox rows can go to the device now. */
export interface ComposedPage {
  readonly items: readonly DeliverItem[];
  readonly lost: readonly LostMessages[];
  /** What may be deleted once the items are acked. */
  readonly ranges: readonly InboxRange[];
  readonly handledRows: number;
  /** The last conversation whose next body is not in History yet. */
  readonly held: ConversationId | undefined;
  /** A frame was full before all rows were looked at. */
  readonly cut: boolean;
}

/** `none`: what history does not keep has no body. `later`: the history-writer is not there yet. */
type Body = StoredMessage | 'none' | 'alias' | 'gone' | 'later';

const rowsPerHistoryRead = 16;
/** The frame itself, with room for its head. */
const pageBudgetBytes = limits.maxFrameBytes - 1_024;

/**
 * Joins inbox rows with their bodies, in order, as far as one frame holds. A body that is not there yet ends its conversation's part of the page.
 * Aliases and what is gone for good are only to be deleted. Throws what History throws.
 */
export async function composePage(
  dependencies: DrainPageDependencies,
  { rows, suspects }: Pick<InboxPage, 'rows' | 'suspects'>,
): Promise<ComposedPage> {
  const page = new PageBuilder(suspects);
  for (let start = 0; start < rows.length && !page.cut; start += rowsPerHistoryRead) {
    const slice = rows.slice(start, start + rowsPerHistoryRead).filter(({ conversationId }) => !page.isHeld(conversationId));
    const bodies = await bodiesOf(dependencies, slice);
    for (const [index, row] of slice.entries()) {
      if (!page.add(row, bodies[index] ?? 'later')) break;
    }
  }
  return page.composed();
}

/** Only a look at History made after the writer was seen past the row proves that its body will never come: so missing ones are read again then. */
async function bodiesOf(dependencies: DrainPageDependencies, rows: readonly InboxRow[]): Promise<readonly Body[]> {
  const found = new Map<InboxRow, Body>();
  const missing = await readInto(dependencies, rows.filter(hasBody), found);
  if (missing.length > 0) {
    const passed = await Promise.all(missing.map(({ conversationId, position }) => dependencies.historyPassed(conversationId, position)));
    const passedRows = missing.filter((_, index) => passed[index] === true);
    for (const row of await readInto(dependencies, passedRows, found)) found.set(row, 'gone');
  }
  return rows.map((row) => found.get(row) ?? (hasBody(row) ? 'later' : 'none'));
}

function hasBody({ kind }: InboxRow): boolean {
  return isKept(kind);
}

/** Returns the rows that History lacks. */
async function readInto(dependencies: DrainPageDependencies, rows: readonly InboxRow[], found: Map<InboxRow, Body>): Promise<InboxRow[]> {
  if (rows.length === 0) return [];
  const stored = await dependencies.history.read(rows);
  const missing: InboxRow[] = [];
  rows.forEach((row, index) => {
    const body = stored[index];
    if (body === undefined) missing.push(row);
    else found.set(row, judge(body, dependencies.nowMs()));
  });
  return missing;
}

function judge(stored: StoredMessage | StoredAlias, nowMs: number): Body {
  if ('duplicateOf' in stored) return 'alias';
  return isExpired(stored, nowMs) ? 'gone' : stored;
}

class PageBuilder {
  readonly #items: DeliverItem[] = [];
  readonly #lost = new Map<ConversationId, { from: Position; to: Position; messageIds: MessageId[] }>();
  readonly #suspects: readonly Suspect[];
  /** In order; what is in quarantine is in none. */
  readonly #ranges: { readonly conversationId: ConversationId; readonly first: Position; last: Position }[] = [];
  readonly #held = new Set<ConversationId>();
  #bytes = 0;
  #handledRows = 0;
  cut = false;

  constructor(suspects: readonly Suspect[]) {
    this.#suspects = suspects;
  }

  isHeld(conversationId: ConversationId): boolean {
    return this.#held.has(conversationId);
  }

  /** Answers whether there is room for another. */
  add(row: InboxRow, body: Body): boolean {
    if (this.isHeld(row.conversationId)) return true;
    if (body === 'later') this.#held.add(row.conversationId);
    else if (body === 'alias') this.#handled(row);
    else if (body === 'gone') this.#gone(row);
    else this.#deliver(row, body === 'none' ? undefined : body);
    return !this.cut;
  }

  composed(): ComposedPage {
    return {
      items: this.#items,
      lost: [...this.#lost].map(([conversationId, lost]) => ({ conversationId, ...lost })),
      ranges: this.#ranges,
      handledRows: this.#handledRows,
      held: [...this.#held].at(-1),
      cut: this.cut,
    };
  }

  #deliver(row: InboxRow, stored: StoredMessage | undefined): void {
    const item = itemOf(row, stored);
    const bytes = wireBytes(item);
    if (this.#items.length > 0 && this.#bytes + bytes > pageBudgetBytes) {
      this.cut = true;
      return;
    }
    this.#items.push(item);
    this.#bytes += bytes;
    this.#handled(row);
  }

  #gone(row: InboxRow): void {
    const lost = this.#lost.get(row.conversationId);
    if (lost === undefined) this.#lost.set(row.conversationId, { from: row.position, to: row.position, messageIds: [row.messageId] });
    else {
      lost.to = row.position;
      lost.messageIds.push(row.messageId);
    }
    this.#handled(row);
  }

  #handled({ conversationId, position }: InboxRow): void {
    this.#handledRows += 1;
    const range = this.#ranges.at(-1);
    const goesOn = range?.conversationId === conversationId && !this.#isQuarantinedBetween(conversationId, range.last, position);
    if (goesOn) range.last = position;
    else this.#ranges.push({ conversationId, first: position, last: position });
  }

  #isQuarantinedBetween(conversationId: ConversationId, first: Position, last: Position): boolean {
    return this.#suspects.some(
      (of) => of.state === 'quarantined' && of.conversationId === conversationId && of.position > first && of.position < last,
    );
  }
}

function itemOf(row: InboxRow, stored: StoredMessage | undefined): DeliverItem {
  return {
    conversationId: row.conversationId,
    position: row.position,
    messageId: row.messageId,
    kind: row.kind,
    sender: row.sender,
    acceptedAtMs: row.acceptedAtMs,
    ...(stored?.body === undefined ? {} : { body: stored.body }),
    ...(row.envelope === undefined ? {} : { envelope: row.envelope }),
    ...(stored?.media === undefined ? {} : { media: [...stored.media] }),
    ...(stored?.ttlSeconds === undefined ? {} : { ttlSeconds: stored.ttlSeconds }),
  };
}

/** Upper bound of an item in the longer of the two encodings (JSON: names, ids and base64url). */
function wireBytes({ body, envelope, media }: DeliverItem): number {
  const opaque = (body?.byteLength ?? 0) + (envelope?.content.byteLength ?? 0);
  return 448 + Math.ceil((opaque * 4) / 3) + (media?.length ?? 0) * 40;
}
