import { shippedLimits } from './shipped-limits.js';

export const allowedOrigin = 'https://ours.example';
export const pushQuietMs = 4_000;
export const pushSubject = 'mailto:operator@test.example';

/** What suites that share a server want of it, and the others do not feel. */
export const sharedSettings = {
  ...shippedLimits('privacyChange', 'typing', 'typingDevice'),
  HELIOGRAPH_ALLOWED_ORIGINS: allowedOrigin,
  HELIOGRAPH_PUSH_ALLOW_PRIVATE: 'yes',
  HELIOGRAPH_PUSH_QUIET_MS: String(pushQuietMs),
  HELIOGRAPH_PUSH_VAPID_SUBJECT: pushSubject,
};
