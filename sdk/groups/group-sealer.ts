import { v4, v7 } from 'uuid';

import type { Envelope } from '../../protocol/client-frames.js';
import { deviceKey, type ConversationId, type DeviceAddress, type MessageId } from '../../protocol/ids.js';
import { envelopePlaintext } from '../encryption/body-seal.js';
import { recipientsOf, type EnvelopeSealer, type Recipient } from '../encryption/envelope-sealer.js';
import { identityChangesTable, senderKeyTable } from '../encryption/key-tables.js';
import { distributionOf, encryptForGroup } from '../encryption/sender-keys.js';
import { inChunks } from '../in-chunks.js';
import type { Roster } from '../messages/conversation-directory.js';
import { conversationTable, outboxTable, type KeysPart } from '../messages/message-tables.js';
import type { Outgoing, SealedRow } from '../messages/outbox-rows.js';
import type { DeviceStore } from '../store/device-store.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { ownSenderKeyTable, type OwnSenderKey } from './group-tables.js';
import { encodeNote } from './key-note.js';

/** First messages have 1.9 KB each, and a frame takes 256 KiB. */
const envelopesPerPart = 100;

export interface GroupSealerDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly sealer: EnvelopeSealer;
}

/**
 * Seals for a group: one ciphertext under this device's sender key, and before it, in parts that frames can hold, that key for the devices that lack it.
 * The key is another one as soon as anybody who has it is not in the group any more, or came back with other keys, or anybody at all has another identity key.
 */
export class GroupSealer {
  readonly #dependencies: GroupSealerDependencies;

  constructor(dependencies: GroupSealerDependencies) {
    this.#dependencies = dependencies;
  }

  /** All of it is durable when it resolves. Throws as `EnvelopeSealer.seal` does. */
  seal({ number, row }: Outgoing, { rosterDigest, members }: Roster): Promise<SealedRow> {
    const { store, own, sealer } = this.#dependencies;
    const { conversationId } = row;
    const recipients = recipientsOf(members, own);
    const known = store.get(ownSenderKeyTable, conversationId);
    const identityChanges = store.get(identityChangesTable, 'all') ?? 0;
    const isGood = known !== undefined && (known.identityChanges ?? 0) === identityChanges && isHeldOnlyBy(known, recipients);
    const key = isGood ? known : { distributionId: v4(), holders: [], identityChanges };
    const lacking = recipients.filter((recipient) => !key.holders.includes(holderOf(recipient)));
    const note = async (unit: UnitOfWork) => {
      // Nobody lacks it: there is nothing to seal.
      if (key === known && lacking.length === 0) return new Uint8Array();
      if (known !== undefined && key !== known) unit.remove(senderKeyTable, deviceKey(own), known.distributionId);
      const conversation = unit.get(conversationTable, conversationId);
      const groupKey = conversation?.kind === 'group' ? conversation.groupKey : undefined;
      return encodeNote({ type: 'sender-key', conversationId, distribution: await distributionOf(unit, own, key.distributionId), groupKey });
    };
    return sealer.seal(lacking, note, async (unit, envelopes) => {
      give(unit, conversationId, { ...key, holders: lacking.map(holderOf) });
      const unsent = key === known ? (row.parts ?? []) : [];
      const envelope = row.kind === 'message' ? await encryptForGroup(unit, own, key.distributionId, envelopePlaintext(row)) : undefined;
      const sealed = { ...row, rosterDigest, envelopes: [], envelope, parts: [...unsent, ...partsOf(envelopes)] };
      unit.put(outboxTable, [conversationId, number], sealed);
      return sealed;
    });
  }
}

/** The device gets the key again with the next message. */
export function withdraw(unit: UnitOfWork, conversationId: ConversationId, device: DeviceAddress): void {
  const key = unit.get(ownSenderKeyTable, conversationId);
  if (key === undefined) return;
  const holders = key.holders.filter((holder) => !holder.startsWith(`${deviceKey(device)}:`));
  unit.put(ownSenderKeyTable, [conversationId], { ...key, holders });
}

function give(unit: UnitOfWork, conversationId: ConversationId, { holders, ...key }: OwnSenderKey): void {
  const now = unit.get(ownSenderKeyTable, conversationId);
  const before = now?.distributionId === key.distributionId ? now.holders : [];
  unit.put(ownSenderKeyTable, [conversationId], { ...key, holders: [...new Set([...before, ...holders])] });
}

function isHeldOnlyBy({ holders }: OwnSenderKey, recipients: readonly Recipient[]): boolean {
  const present = new Set(recipients.map(holderOf));
  return holders.every((holder) => present.has(holder));
}

function holderOf(recipient: Recipient): string {
  return `${deviceKey(recipient)}:${recipient.registrationId}`;
}

function partsOf(envelopes: readonly Envelope[]): readonly KeysPart[] {
  return inChunks(envelopes, envelopesPerPart).map((part) => ({ messageId: v7() as MessageId, envelopes: part }));
}
