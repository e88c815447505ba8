import type { Envelope } from '../../protocol/client-frames.js';
import { DomainError } from '../../protocol/errors.js';
import { deviceKey, isChannelId, isGroupId, type DeviceAddress } from '../../protocol/ids.js';
import type { RosterDifference } from '../../protocol/server-frames.js';
import { envelopePlaintext } from '../encryption/body-seal.js';
import { recipientsOf, type EnvelopeSealer, type Recipient } from '../encryption/envelope-sealer.js';
import { archiveSession } from '../encryption/sessions.js';
import type { ChannelSealer } from '../channels/channel-sealer.js';
import type { GroupSealer } from '../groups/group-sealer.js';
import { encodeNote } from '../groups/key-note.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import type { ConversationDirectory, Roster } from './conversation-directory.js';
import { outboxTable, type OutboxKeys, type OutboxMessage, type OutboxRow } from './message-tables.js';
import type { Outgoing, SealedRow } from './outbox-rows.js';

export interface OutgoingSealerDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly sealer: EnvelopeSealer;
  readonly groups: GroupSealer;
  readonly channels: ChannelSealer;
  readonly conversations: ConversationDirectory;
  /** Of everything that touches Signal state. */
  readonly signal: SerialQueue;
}

interface Sealing {
  readonly recipients: readonly Recipient[];
  readonly rosterDigest: string;
  /** Envelopes that stay as they are. */
  readonly kept: readonly Envelope[];
}

/**
 * Makes rows of the outbox ready to be transmitted. Envelopes, the sessions that they advanced and the number of the attempt are durable before anything leaves the device:
 * no ratchet step is used twice, and no attempt but the first says that it is the first.
 */
export class OutgoingSealer {
  readonly #dependencies: OutgoingSealerDependencies;

  constructor(dependencies: OutgoingSealerDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Seals what is not sealed yet, for the roster as it is known here; what is keeps its bytes. Raises the attempt.
   * Throws SdkError `identity_changed`, `untrusted_server`, `offline`, and what the server refuses.
   */
  async prepare(outgoing: Outgoing, { freshRoster }: { readonly freshRoster: boolean }): Promise<SealedRow> {
    const { conversations, groups, channels } = this.#dependencies;
    const { number, row } = outgoing;
    const { envelopes, rosterDigest } = row;
    const attempt = row.attempt + 1;
    if (envelopes === undefined || rosterDigest === undefined) {
      const unsealed = { number, row: { ...row, attempt } };
      if (isPost(row)) return channels.post({ number, row: { ...row, attempt } }, { fresh: freshRoster });
      if (this.#isForAll(row)) return groups.seal(unsealed, await conversations.roster(row.conversationId, { fresh: freshRoster }));
      return this.#seal(unsealed, await this.#firstSealing(row, freshRoster));
    }
    // They are for nobody any more whom the server lets have them. Throws DomainError `gone`.
    const keys = channelKeysIn(row);
    if (freshRoster && keys !== undefined) await channels.recipientsOf(keys);
    const again: SealedRow = { ...row, envelopes, rosterDigest, attempt };
    await changeInTurn(this.#dependencies, (unit) => {
      unit.put(outboxTable, [row.conversationId, number], again);
    });
    return again;
  }

  /** The server named devices that have no fitting envelope, and such as have one and are gone. What fits keeps its bytes; what is for a group is sealed for its present roster. Throws as `prepare` does. */
  async sealAnew({ number, row }: Outgoing, { stale, missing, extra }: RosterDifference): Promise<void> {
    const { own, groups, channels } = this.#dependencies;
    if (isPost(row)) {
      await channels.post({ number, row }, { fresh: true });
      return;
    }
    const roster = await this.#presentRoster(row);
    if (this.#isForAll(row)) {
      await groups.seal({ number, row }, roster);
      return;
    }
    const { rosterDigest, members } = roster;
    await changeInTurn(this.#dependencies, (unit) => {
      for (const device of stale) archiveSession(unit, device);
    });
    const named = new Set([...stale, ...missing, ...extra].map(deviceKey));
    const kept = (row.envelopes ?? []).filter(({ to }) => !named.has(deviceKey(to)));
    const fitting = new Set(kept.map(({ to }) => deviceKey(to)));
    const recipients = recipientsOf(members, own).filter((recipient) => !fitting.has(deviceKey(recipient)));
    await this.#seal({ number, row }, { recipients, rosterDigest, kept });
  }

  async #presentRoster(row: OutboxRow): Promise<Roster> {
    const { conversations, channels } = this.#dependencies;
    const keys = channelKeysIn(row);
    return keys === undefined ? conversations.roster(row.conversationId, { fresh: true }) : channels.recipientsOf(keys);
  }

  /** Under the sender key of this device. */
  #isForAll(row: OutboxRow): boolean {
    return isGroupId(row.conversationId) && (row.kind === 'message' || row.to === undefined);
  }

  async #firstSealing(row: OutboxRow, freshRoster: boolean): Promise<Sealing> {
    const { conversations, channels } = this.#dependencies;
    const keys = channelKeysIn(row);
    if (keys !== undefined) return { ...(await channels.recipientsOf(keys)), kept: [] };
    if (row.kind === 'message') {
      const { rosterDigest, members } = await conversations.rosterToWriteTo(row.conversationId, { fresh: freshRoster });
      return { recipients: recipientsOf(members, this.#dependencies.own), rosterDigest, kept: [] };
    }
    const roster = await conversations.roster(row.conversationId, { fresh: freshRoster });
    const recipients = this.#recipients(row, roster);
    if (recipients.length > 0) return { recipients, rosterDigest: roster.rosterDigest, kept: [] };
    const fresh = await conversations.roster(row.conversationId, { fresh: true });
    if (this.#recipients(row, fresh).length === 0) throw new DomainError('gone', 'the device that was to be answered is gone');
    return { recipients: this.#recipients(row, fresh), rosterDigest: fresh.rosterDigest, kept: [] };
  }

  #recipients({ to }: OutboxKeys, { members }: Roster): readonly Recipient[] {
    const all = recipientsOf(members, this.#dependencies.own);
    return to === undefined ? all : all.filter((recipient) => deviceKey(recipient) === deviceKey(to));
  }

  async #seal({ number, row }: Outgoing, { recipients, rosterDigest, kept }: Sealing): Promise<SealedRow> {
    const plaintext = row.kind === 'message' ? envelopePlaintext(row) : encodeNote(row.note ?? { type: 'empty' });
    const plaintextOf = () => plaintext;
    return this.#dependencies.sealer.seal(recipients, plaintextOf, (unit, envelopes) => {
      const sealed = { ...row, envelopes: [...kept, ...envelopes], rosterDigest };
      unit.put(outboxTable, [row.conversationId, number], sealed);
      return sealed;
    });
  }
}

function isPost(row: OutboxRow): row is OutboxMessage {
  return row.kind === 'message' && isChannelId(row.conversationId);
}

function channelKeysIn(row: OutboxRow): OutboxKeys | undefined {
  return row.kind === 'keys' && isChannelId(row.conversationId) ? row : undefined;
}
