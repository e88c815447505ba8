import type { Connection } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';

/** What an operator can look for in the Web UI: waves by device (core/search-key.ts) and by gateway, links by account, deletions of files by the end of their bucket. */
export const searchAttributes = {
  devices: defineSearchAttributeKey('HeliographDevices', 'KEYWORD_LIST'),
  account: defineSearchAttributeKey('HeliographAccount', 'KEYWORD'),
  gateway: defineSearchAttributeKey('HeliographGateway', 'KEYWORD'),
  blobBucket: defineSearchAttributeKey('HeliographBlobBucket', 'KEYWORD'),
} as const;

/** Numbers of temporal.api.enums.v1.IndexedValueType. */
const indexedTypes = { KEYWORD: 2, KEYWORD_LIST: 7 } as const;

/** Adds those that the cluster lacks. It may take the cluster some seconds more to accept them. Throws what gRPC throws. */
export async function registerSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing = Object.values(searchAttributes).filter(({ name }) => !(name in customAttributes));
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(({ name, type }) => [name, indexedTypes[type]])),
  });
}
