import type { z } from 'zod';

import { accountCalls } from './account-calls.js';
import { channelCalls } from './channel-calls.js';
import { conversationCalls } from './conversation-calls.js';
import { deviceCalls } from './device-calls.js';
import { groupCalls } from './group-calls.js';
import { mediaCalls } from './media-calls.js';
import { messageCalls } from './message-calls.js';
import { prekeyCalls } from './prekey-calls.js';
import { privacyCalls } from './privacy-calls.js';
import { pushCalls } from './push-calls.js';
import { removalCalls } from './removal-calls.js';

/** Every REST call, by its operation id: routes, documentation and the SDK are made from this one table. */
export const restCalls = {
  ...accountCalls,
  ...removalCalls,
  ...privacyCalls,
  ...deviceCalls,
  ...pushCalls,
  ...prekeyCalls,
  ...conversationCalls,
  ...messageCalls,
  ...mediaCalls,
  ...groupCalls,
  ...channelCalls,
} as const;

export type RestOperation = keyof typeof restCalls;

type Part<Call, Name extends string> = Call extends { readonly [Key in Name]: infer Schema extends z.ZodType } ? z.output<Schema> : undefined;
type Bodies<Answers> = { [Status in keyof Answers]: Answers[Status] extends z.ZodType ? z.output<Answers[Status]> : undefined }[keyof Answers];

/** What a call carries, checked. */
export interface RestInput<Operation extends RestOperation> {
  readonly params: Part<(typeof restCalls)[Operation], 'params'>;
  readonly query: Part<(typeof restCalls)[Operation], 'query'>;
  readonly body: Part<(typeof restCalls)[Operation], 'body'>;
}

/** What a call answers with. */
export interface RestOutput<Operation extends RestOperation> {
  readonly status: keyof (typeof restCalls)[Operation]['answers'];
  readonly body: Bodies<(typeof restCalls)[Operation]['answers']>;
}
