import { z } from 'zod';

import { bytes } from '../bytes.js';
import { blobId } from '../ids.js';
import { limits } from '../limits.js';

/** Why a file is deleted: no message named it in time, its time limit, every device has it, its sender says so. */
export type MediaEnd = 'orphan' | 'expired' | 'fetched' | 'revoked';

const sha256 = bytes(32, 32);
const expiresAtMs = z.number().int().describe('Until when the URL is taken.');
const url = z.string().describe('Absolute, or relative to the address of the REST API.');

export const newMedia = z.strictObject({
  size: z.number().int().min(1).describe(`Of the encrypted bytes; at most ${limits.maxMediaBytes}.`),
  sha256,
});

export const mediaUpload = z.strictObject({
  blobId,
  method: z.literal('PUT'),
  url,
  headers: z.record(z.string(), z.string()).describe('All of them, as they are; no token.'),
  expiresAtMs,
});

export const mediaDownload = z.strictObject({ blobId, size: z.number().int(), sha256, url, expiresAtMs });
