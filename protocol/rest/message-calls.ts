import { z } from 'zod';

import { messageId } from '../ids.js';
import { explanation } from './explanation.js';
import type { RestCall } from './rest-call.js';

export const messageCalls = {
  explainMessage: {
    method: 'get',
    path: '/v1/messages/{messageId}/explain',
    tag: 'messages',
    summary:
      "Where a message of one's own account is for each device, and why. `unavailable` while it may be accepted and not written to history yet.",
    params: z.strictObject({ messageId }),
    answers: { 200: explanation },
    errors: ['not_found', 'rate_limited'],
  },
} as const satisfies Record<string, RestCall>;
