import { readFileSync } from 'node:fs';

const queryNames = [
  'claim-prekey',
  'count-prekeys',
  'delete-prekeys',
  'find-account-by-handle',
  'find-account-by-id',
  'find-active-device',
  'find-active-devices',
  'find-conversation',
  'find-roster',
  'find-rotating-prekeys',
  'forget-spent-prekeys',
  'hold-account',
  'insert-account',
  'insert-conversation',
  'insert-device',
  'insert-members',
  'insert-prekeys',
  'list-conversations',
  'lock-account',
  'mark-devices-seen',
  'raise-conversation-versions',
  'replace-device-list',
  'replace-kem-last-resort',
  'replace-signed-prekey',
  'revoke-device',
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
