import { v5 } from 'uuid';

import { groupBy } from '../../core/group-by.js';
import type { MicroBatcher } from '../../core/micro-batcher.js';
import { missedDevices, type SentForRoster } from '../../core/missed-devices.js';
import type { Roster } from '../../core/roster.js';
import type { Clock } from '../../ports/clock.js';
import type { Conversations } from '../../ports/conversations.js';
import type { AppendRecord, Appended } from '../../ports/event-log.js';
import type { Rosters } from '../../ports/rosters.js';
import { encodeEnvelopesWanted } from '../../protocol/envelopes-wanted.js';
import { DomainError } from '../../protocol/errors.js';
import { deviceKey, type BlobId, type ConversationId, type DeviceAddress, type MessageId, type Position } from '../../protocol/ids.js';
import { encodeMessageRecord } from '../../protocol/log-records.js';
import type { RosterEvents } from '../../telemetry/roster-events.js';
import type { MediaKeeper } from '../media/media-keeper.js';
import { runTurns } from '../run-turns.js';

const lookEveryMs = 1_000;
/** Beyond that the newest are forgotten: they count as audited (a metric). */
const maxWaiting = 20_000;
const conversationsPerLook = 2_000;
/** An envelope holds no more. */
const devicesPerItem = 100;

export interface RosterAuditDependencies {
  readonly conversations: Conversations;
  readonly rosters: Rosters;
  readonly appends: MicroBatcher<AppendRecord, Appended>;
  readonly keeper: Pick<MediaKeeper, 'attach'>;
  readonly clock: Clock;
  readonly events: RosterEvents;
}

/** A message that was accepted. */
export interface AuditedMessage extends SentForRoster {
  readonly messageId: MessageId;
  readonly conversationId: ConversationId;
  readonly position: Position;
  readonly roster: Roster;
  readonly media: readonly BlobId[];
  readonly ttlSeconds: number | undefined;
}

/**
 * Accepting a message trusts the cached roster, whose changes are announced best effort. Once a second one question to the directory, for all conversations with new messages, finds rosters that were not
 * the present ones: then the devices that a message missed may fetch its files, and are named to the devices of its sender, by an item that waits for them in their inboxes (`envelopes.wanted`), and the cache is up to date.
 */
export class RosterAudit {
  readonly #dependencies: RosterAuditDependencies;
  readonly #waiting: AuditedMessage[] = [];

  constructor(dependencies: RosterAuditDependencies) {
    this.#dependencies = dependencies;
  }

  accepted(message: AuditedMessage): void {
    if (this.#waiting.length < maxWaiting) this.#waiting.push(message);
    else this.#dependencies.events.auditSkipped();
  }

  /** Until the signal ends it. */
  run(signal: AbortSignal): Promise<void> {
    return runTurns({ clock: this.#dependencies.clock, everyMs: lookEveryMs, signal }, () => this.look());
  }

  /** What cannot be looked at now waits for the next look. */
  async look(): Promise<void> {
    const waiting = [...groupBy(this.#waiting.splice(0), ({ conversationId }) => conversationId).values()];
    for (let from = 0; from < waiting.length; from += conversationsPerLook) {
      const part = waiting.slice(from, from + conversationsPerLook);
      try {
        const versions = await this.#dependencies.conversations.versions(part.map(([{ conversationId }]) => conversationId));
        for (const messages of part) await this.#audit(messages, versions.get(messages[0].conversationId));
      } catch {
        // The directory or the log is away, which both tell by themselves. What was told already comes again, under the same ids.
        for (const message of waiting.slice(from).flat()) this.accepted(message);
        return;
      }
    }
  }

  async #audit(messages: readonly AuditedMessage[], version: number | undefined): Promise<void> {
    const outdated = messages.filter(({ roster }) => version !== undefined && roster.version < version);
    const [first] = outdated;
    if (first === undefined) return;
    const { conversations, rosters, events } = this.#dependencies;
    const { conversationId } = first;
    const present = await rosters.refreshed(conversationId);
    const stays = await conversations.deviceLives(conversationId, []);
    for (const message of outdated) {
      const missed = missedDevices(message, stays);
      if (missed.length === 0) continue;
      await this.#giveMedia(message, missed);
      for (let from = 0; from < missed.length; from += devicesPerItem) await this.#tell(message, missed.slice(from, from + devicesPerItem), present);
      events.devicesMissed(conversationId, missed.length);
    }
  }

  /** Unless the files have ended meanwhile. */
  async #giveMedia({ media, ttlSeconds, sender }: AuditedMessage, recipients: readonly DeviceAddress[]): Promise<void> {
    if (media.length === 0) return;
    const attached = this.#dependencies.keeper.attach(media, { ownerId: sender.accountId, ttlSeconds }, { recipients, channelId: undefined });
    await attached.catch((error: unknown) => {
      if (!(error instanceof DomainError) || error.code === 'unavailable') throw error;
    });
  }

  /** All devices of the sender's account: the one that sent may never come back. */
  async #tell(message: AuditedMessage, devices: readonly DeviceAddress[], present: Roster | undefined): Promise<void> {
    const { conversationId, messageId, position, sender } = message;
    const { accountId } = sender;
    const own = present?.members.find((member) => member.accountId === accountId)?.devices ?? [];
    const content = encodeEnvelopesWanted({ messageId, position, devices: [...devices] });
    const named = devices.map(deviceKey).sort().join(',');
    const record = encodeMessageRecord({
      messageId: v5(`${messageId} ${named}`, conversationId) as MessageId,
      ...{ conversationId, sender, kind: 'envelopes.wanted', attempt: 1 },
      envelopes: own.map((device) => ({ to: { accountId, ...device }, type: 0, content })),
    });
    await this.#dependencies.appends.add({ key: conversationId, value: record });
  }
}
