import { z } from 'zod';

import { accountId, conversationId, deviceId } from '../ids.js';
import { numberText } from './number-text.js';

/** What stands in the paths of several calls. */
export const ofAccount = z.strictObject({ accountId });
export const ofConversation = z.strictObject({ conversationId });
export const deviceNumber = numberText(deviceId);
