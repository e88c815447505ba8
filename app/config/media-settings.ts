import { wholeNumber } from './setting.js';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Of files of messages: how long they stay. */
export const mediaSettings = {
  maxAgeMs: wholeNumber(
    {
      variable: 'HELIOGRAPH_MEDIA_MAX_AGE_MS',
      meaning: 'How long a file is kept for devices that have not fetched it, from the message that names it.',
    },
    30 * dayMs,
    { min: 1_000, max: 3650 * dayMs },
  ),
  graceMs: wholeNumber(
    { variable: 'HELIOGRAPH_MEDIA_GRACE_MS', meaning: 'How long a file stays after the last device has fetched it, in ms.' },
    hourMs,
    { min: 0, max: 365 * dayMs },
  ),
  orphanMs: wholeNumber({ variable: 'HELIOGRAPH_MEDIA_ORPHAN_MS', meaning: 'How long a file is kept that no message names, in ms.' }, dayMs, {
    min: 1_000,
    max: 365 * dayMs,
  }),
  uploadMs: wholeNumber(
    {
      variable: 'HELIOGRAPH_MEDIA_UPLOAD_MS',
      meaning: 'Life of a URL to upload at, in ms; nothing is deleted before it was over for as long again, when every upload has ended.',
    },
    hourMs / 4,
    { min: 1_000, max: dayMs },
  ),
  bucketMs: wholeNumber(
    {
      variable: 'HELIOGRAPH_MEDIA_BUCKET_MS',
      meaning: 'Files that are due within so many ms are deleted together, when it is over; the same for all processes.',
    },
    hourMs / 6,
    { min: 1_000, max: dayMs },
  ),
};
