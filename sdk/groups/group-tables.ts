import { table } from '../store/table.js';

export interface OwnSenderKey {
  /** A UUID; another one is another key. */
  readonly distributionId: string;
  /** Whom it was given to: `account.device:registration`. */
  readonly holders: readonly string[];
  /** How many accounts had come with another identity key when it was made. */
  readonly identityChanges?: number | undefined;
}
/** Key: conversation id. What this device seals a group's messages with. */
export const ownSenderKeyTable = table<OwnSenderKey>('own-sender-key');
