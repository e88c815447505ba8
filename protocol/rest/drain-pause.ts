import { z } from 'zod';

import { maxPauseMinutes } from '../limits.js';

export const drainPauseQuery = z.strictObject({ minutes: z.coerce.number().int().min(1).max(maxPauseMinutes).default(10) });

export const drainPauseView = z.strictObject({
  leftMs: z.number().int().min(0).describe('How long drains are held back from now on; 0: they are not.'),
});
export type DrainPauseView = z.infer<typeof drainPauseView>;
