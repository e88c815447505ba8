import { DomainError } from '../../protocol/errors.js';
import type { AccountId, ConversationId, DeviceAddress } from '../../protocol/ids.js';
import type { RestClient } from '../rest/rest-client.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import { changeChannelRow, putEpochKey, takeView } from './channel-rows.js';
import { channelKeyTable, nextKeyTable, type NextKey } from './channel-tables.js';
import { giveKey } from './key-exchange.js';
import { newEpochKey, sealKeyring, type EpochKey } from './keyring.js';

export interface RenewKeyDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly rest: RestClient;
  readonly signal: SerialQueue;
  /** Throws while it is not here. */
  readonly present: (conversationId: ConversationId) => Promise<EpochKey>;
  readonly staff: (conversationId: ConversationId) => Promise<readonly AccountId[]>;
}

/** Another admin may make one at the same time. */
const maxConflicts = 5;

/**
 * Another key of a channel. It is kept here before the server is told, with the same bytes for every try: whatever becomes of the answer, no key counts that this device has not got.
 * The owner and the admins get it too: each of them can give it, whatever becomes of this device. One at a time for each channel.
 */
export async function renewKey(dependencies: RenewKeyDependencies, conversationId: ConversationId): Promise<void> {
  const { store, own, rest, present, staff } = dependencies;
  for (let conflicts = 0; ; conflicts += 1) {
    const next = store.get(nextKeyTable, conversationId) ?? (await makeNext(dependencies, conversationId, await present(conversationId)));
    const { epoch, keyring } = next;
    try {
      const others = await staff(conversationId);
      const view = await rest.call('renewChannelKey', { params: { conversationId }, body: { epoch, keyring } });
      await changeInTurn(dependencies, (unit) => {
        unit.remove(nextKeyTable, conversationId);
        putEpochKey(unit, conversationId, next);
        takeView(unit, view);
        changeChannelRow(unit, conversationId, { keyIsSpent: false });
        giveKey(unit, conversationId, [own.accountId, ...others]);
      });
      return;
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      const isOver = error.code === 'forbidden' || error.code === 'not_a_member';
      if (error.code !== 'conflict' && !isOver) throw error;
      await changeInTurn(dependencies, (unit) => {
        unit.remove(nextKeyTable, conversationId);
        // Who is no admin any more leaves it to those who are.
        if (isOver) changeChannelRow(unit, conversationId, { keyIsSpent: false });
      });
      if (isOver || conflicts >= maxConflicts) throw error;
    }
  }
}

async function makeNext(dependencies: RenewKeyDependencies, conversationId: ConversationId, present: EpochKey): Promise<NextKey> {
  const { store } = dependencies;
  const made = { epoch: present.epoch + 1, key: newEpochKey() };
  const before = store.range(channelKeyTable, [conversationId]).map(({ key, row }): EpochKey => ({ epoch: Number(key[1]), key: row }));
  const next: NextKey = { ...made, keyring: sealKeyring(conversationId, made, before) };
  await changeInTurn(dependencies, (unit) => {
    unit.put(nextKeyTable, [conversationId], next);
  });
  return next;
}
