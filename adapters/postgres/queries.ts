import { readFileSync } from 'node:fs';

const queryNames = [
  'answer-link',
  'burn-link',
  'change-conversation',
  'claim-prekey',
  'count-devices',
  'count-prekeys',
  'count-prekeys-of-account',
  'delete-expired-links',
  'delete-members',
  'delete-prekeys',
  'delete-push-subscription',
  'delete-untold-events',
  'find-account-by-handle',
  'find-account-by-id',
  'find-active-device',
  'find-active-devices',
  'find-conversation',
  'find-device-lives',
  'find-invite',
  'find-link',
  'find-maker',
  'find-members',
  'find-old-untold-events',
  'find-push-subscriptions',
  'find-roster',
  'find-rotating-prekeys',
  'find-untold-events',
  'forget-spent-prekeys',
  'hold-account',
  'hold-accounts',
  'insert-account',
  'insert-conversation',
  'insert-device',
  'insert-link',
  'insert-prekeys',
  'insert-untold-event',
  'list-conversations',
  'lock-account',
  'lock-group',
  'lock-link',
  'lower-prekeys-told',
  'mark-devices-seen',
  'put-members',
  'put-push-subscription',
  'raise-conversation-versions',
  'raise-prekeys-told',
  'replace-device-list',
  'replace-kem-last-resort',
  'replace-signed-prekey',
  'revoke-device',
  'set-invite',
] as const;
export type QueryName = (typeof queryNames)[number];

const texts = new Map<string, string>(queryNames.map((name) => [name, readFileSync(new URL(`queries/${name}.sql`, import.meta.url), 'utf8')]));

/** What `pg` runs as a prepared statement: it is parsed once for each connection. */
export function preparedQuery(
  name: QueryName,
  values: readonly unknown[],
): { readonly name: string; readonly text: string; readonly values: unknown[] } {
  return { name, text: texts.get(name) ?? '', values: [...values] };
}
