import type { ConversationId } from '../../protocol/ids.js';
import type { ChannelView } from '../../protocol/rest/channel.js';
import { conversationTable, type ChannelRow } from '../messages/message-tables.js';
import { SdkError } from '../sdk-error.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { channelKeyTable, keyAskTable, offeredKeyTable } from './channel-tables.js';
import { openKeyring, type EpochKey } from './keyring.js';

type Rows = Pick<UnitOfWork, 'get'>;

/** What is known of a channel of which only a key came. */
const unknownChannel: ChannelRow = { kind: 'channel', version: 0, epoch: 0, memberCount: 0 };

export function channelRowOf(rows: Rows, conversationId: ConversationId): ChannelRow | undefined {
  const row = rows.get(conversationTable, conversationId);
  return row?.kind === 'channel' ? row : undefined;
}

/** The newest key that is here. */
export function newestKey(rows: Rows, conversationId: ConversationId): EpochKey | undefined {
  const epoch = channelRowOf(rows, conversationId)?.keyEpoch;
  const key = epoch === undefined ? undefined : rows.get(channelKeyTable, conversationId, epoch);
  return epoch === undefined || key === undefined ? undefined : { epoch, key };
}

/** Whether a key is here that posts may be sealed under: the newest that the server knows of. */
export function hasPresentKey({ keyEpoch = 0, epoch }: ChannelRow): boolean {
  return keyEpoch >= epoch;
}

/** The key that posts may be sealed under, if it is here. */
export function presentKey(rows: Rows, conversationId: ConversationId): EpochKey | undefined {
  const row = channelRowOf(rows, conversationId);
  return row !== undefined && hasPresentKey(row) ? newestKey(rows, conversationId) : undefined;
}

/** What is thrown where that is missing, and was asked for. */
export function presentKeyMissing(): SdkError {
  return new SdkError('undecryptable', 'the newest key of this channel is not here yet; it was asked for');
}

export function changeChannelRow(unit: UnitOfWork, conversationId: ConversationId, change: Partial<ChannelRow>): ChannelRow {
  const row: ChannelRow = { ...(channelRowOf(unit, conversationId) ?? unknownChannel), ...change };
  unit.put(conversationTable, [conversationId], row);
  return row;
}

/** The first key of an epoch stays: nobody can put another one in its place. */
export function putEpochKey(unit: UnitOfWork, conversationId: ConversationId, { epoch, key }: EpochKey): void {
  if (unit.get(channelKeyTable, conversationId, epoch) === undefined) unit.put(channelKeyTable, [conversationId, epoch], key);
  const row = channelRowOf(unit, conversationId) ?? unknownChannel;
  changeChannelRow(unit, conversationId, { keyEpoch: Math.max(epoch, row.keyEpoch ?? 0) });
  openKeys(unit, conversationId);
}

/** What the server says of a channel now; an answer that was asked for before the last change does nothing. */
export function takeView(unit: UnitOfWork, { conversationId, version, title, role, memberCount, epoch, keyring }: ChannelView): ChannelRow {
  const known = channelRowOf(unit, conversationId);
  if (known !== undefined && (version < known.version || epoch < known.epoch)) return known;
  const row = changeChannelRow(unit, conversationId, { version, title, role, memberCount, epoch, keyring });
  takeOffered(unit, conversationId, row);
  return openKeys(unit, conversationId);
}

/** What was offered, if it is the key that the server's ring was sealed under; that it is of a time to come is known at the next look. */
function takeOffered(unit: UnitOfWork, conversationId: ConversationId, row: ChannelRow): void {
  const offered = unit.get(offeredKeyTable, conversationId);
  if (offered === undefined || offered.epoch > row.epoch) return;
  unit.remove(offeredKeyTable, conversationId);
  if (offered.epoch < row.epoch || hasPresentKey(row) || keysIn(conversationId, offered, row.keyring) === undefined) return;
  putEpochKey(unit, conversationId, offered);
}

/** With the newest key all before it are here, too. What waits for one of them waits until it was pulled. */
function openKeys(unit: UnitOfWork, conversationId: ConversationId): ChannelRow {
  const row = channelRowOf(unit, conversationId) ?? unknownChannel;
  const newest = newestKey(unit, conversationId);
  if (row.keyring === undefined || newest?.epoch !== row.epoch) return row;
  for (const { epoch, key } of keysIn(conversationId, newest, row.keyring) ?? []) {
    if (unit.get(channelKeyTable, conversationId, epoch) === undefined) unit.put(channelKeyTable, [conversationId, epoch], key);
  }
  unit.remove(keyAskTable, conversationId);
  return row;
}

/** `undefined`: it was sealed under another key; posts say by themselves whether the key is theirs. */
function keysIn(conversationId: ConversationId, newest: EpochKey, keyring: Uint8Array | undefined): readonly EpochKey[] | undefined {
  if (keyring === undefined) return undefined;
  try {
    return openKeyring(conversationId, newest, keyring);
  } catch (error) {
    if (error instanceof SdkError) return undefined;
    throw error;
  }
}
