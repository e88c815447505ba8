import { z } from 'zod';

import { accountId, deviceAddress } from '../ids.js';

/** As Temporal names them, in lower case. */
const workflowStatuses = ['running', 'completed', 'failed', 'cancelled', 'terminated', 'continued_as_new', 'timed_out', 'paused'] as const;
const maxListedWorkflows = 100;

/** Of a query to Temporal, so no quotes. */
const name = z.string().regex(/^[\w.:/-]{1,200}$/, 'must be 1 to 200 letters, digits or any of _.:/-');
const wholeNumber = z
  .string()
  .regex(/^\d{1,3}$/, 'must be a whole number')
  .transform(Number);

/** `account.device` */
const device = z
  .string()
  .transform((text) => {
    const [accountId, deviceId] = text.split('.');
    return { accountId, deviceId: Number(deviceId) };
  })
  .pipe(deviceAddress);

/** What an operator looks for; the parameters of `GET /ops/workflows`. */
export const workflowQuery = z.strictObject({
  type: name.optional(),
  status: z.enum(workflowStatuses).optional(),
  gateway: name.optional(),
  /** Whose drains. */
  device: device.optional(),
  /** Whose links. */
  account: accountId.optional(),
  limit: wholeNumber.pipe(z.number().min(1).max(maxListedWorkflows)).default(20),
});
export type WorkflowQuery = z.output<typeof workflowQuery>;

const timeMs = z.number().int();

const workflowView = z.strictObject({
  workflowId: z.string(),
  runId: z.string(),
  type: z.string(),
  status: z.string(),
  /** What it is for, in words. */
  summary: z.string().optional(),
  startedAtMs: timeMs,
  closedAtMs: timeMs.optional(),
});
export type WorkflowView = z.infer<typeof workflowView>;

/** The newest first. */
export const workflowList = z.strictObject({ workflows: z.array(workflowView) });
export type WorkflowList = z.infer<typeof workflowList>;

/** One of them, with how far it is. */
export const workflowDetail = workflowView.extend({
  /** Its progress as markdown; missing while no worker answers. */
  details: z.string().optional(),
  events: z.number().int(),
  /** Activities that run or wait for their next attempt. */
  activities: z.array(
    z.strictObject({
      type: z.string(),
      state: z.enum(['waits', 'runs', 'is cancelled']),
      attempt: z.number().int(),
      lastFailure: z.string().optional(),
    }),
  ),
});
export type WorkflowDetail = z.infer<typeof workflowDetail>;
