import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';

import { createLmdbInbox } from '../../adapters/lmdb/lmdb-inbox.js';
import { createInProcessGatewayLink } from '../../adapters/memory/gateway-link.js';
import { createMemorySessionRegistry } from '../../adapters/memory/session-registry.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { InboxPath } from '../../pipeline/delivery-router/inbox-path.js';
import type { InboxRow } from '../../ports/inbox.js';
import { createLogger } from '../../telemetry/logger.js';
import { createPipelineEvents } from '../../telemetry/pipeline-events.js';
import { newDevice } from '../support/drain-fixtures.js';
import { newConversationId, newMessageId } from '../support/ids.js';
import { openLmdbStore, type LmdbUnderTest } from '../support/lmdb.js';

const device = newDevice();
let under: LmdbUnderTest;

beforeEach(() => {
  under = openLmdbStore();
});
afterEach(() => under.dispose());

function rowOf(kind: InboxRow['kind'], sender = newDevice()): InboxRow {
  const times = { acceptedAtMs: 1, queuedAtMs: 1 };
  return { ...times, conversationId: newConversationId(), position: 1, messageId: newMessageId(), kind, sender };
}

/** How often the device was asked for. */
async function asksFor(...rows: readonly InboxRow[]): Promise<number> {
  const clock = createSystemClock();
  let asks = 0;
  const path = new InboxPath({
    inbox: createLmdbInbox(under.store, { maxAgeMs: 3_600_000 }),
    registry: createMemorySessionRegistry(clock),
    link: createInProcessGatewayLink().link,
    wakeUps: { ask: () => (asks += 1) },
    ...{ clock, events: createPipelineEvents(createLogger('silent'), new Registry()), signal: new AbortController().signal },
  });
  expect(await path.store(device, rows, 0, 'at-once')).toEqual({ outcome: 'safe' });
  return asks;
}

test('a device that is away is asked for once for all that was written', async () => {
  expect(await asksFor(rowOf('message'), rowOf('event'), rowOf('message'))).toBe(1);
});

test('nobody is woken for keys alone, nor for what the account sent from another device', async () => {
  expect(await asksFor(rowOf('keys'))).toBe(0);
  const sibling = { ...device, deviceId: newDevice().deviceId };
  expect(await asksFor(rowOf('message', sibling), rowOf('event', sibling))).toBe(0);
  expect(await asksFor(rowOf('message', sibling), rowOf('message'))).toBe(1);
});
