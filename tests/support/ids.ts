import { randomUUID } from 'node:crypto';

import { v7 } from 'uuid';

import type { AccountId, BlobId, ConversationId, DeviceId, MessageId } from '../../protocol/ids.js';

export const newAccountId = () => randomUUID() as AccountId;
export const newConversationId = () => randomUUID() as ConversationId;
export const newBlobId = () => randomUUID() as BlobId;
export const newMessageId = () => v7() as MessageId;
export const deviceNumber = (number: number) => number as DeviceId;
export { newChannelId } from '../../protocol/ids.js';
