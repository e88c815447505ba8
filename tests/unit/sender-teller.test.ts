import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';

import { SenderTeller } from '../../pipeline/receipt-handler/sender-teller.js';
import { positionOf } from '../../core/position.js';
import type { GatewayConnection } from '../../ports/gateway-link.js';
import type { DeviceSession, SessionRegistry } from '../../ports/session-registry.js';
import type { ReceiptRecord } from '../../protocol/log-records.js';
import { createLogger } from '../../telemetry/logger.js';
import { createPipelineEvents } from '../../telemetry/pipeline-events.js';
import { eventually } from '../support/eventually.js';
import { deviceNumber, newAccountId, newConversationId } from '../support/ids.js';

const sender = newAccountId();
const session: DeviceSession = { deviceId: deviceNumber(1), gatewayId: 'one', leaseEpoch: 1, sessionEpoch: 5 };
const receipt: ReceiptRecord = {
  conversationId: newConversationId(),
  accountId: newAccountId(),
  deviceId: deviceNumber(1),
  delivered: positionOf(1, 3),
  notify: [sender],
};

/** Time passes quickly for whoever waits for it. */
function stage() {
  const told: unknown[] = [];
  let nowMs = 1_000;
  const state = { registryAway: false, linkAway: false, lookups: 0 };
  const connection = { signal: (...call: unknown[]) => told.push(call) } as unknown as GatewayConnection;
  const stop = new AbortController();
  const teller = new SenderTeller({
    registry: {
      lookup: (accounts: readonly string[]) => {
        state.lookups += 1;
        return state.registryAway ? Promise.reject(new Error('away')) : Promise.resolve(accounts.map(() => [session]));
      },
    } as unknown as SessionRegistry,
    link: { to: () => (state.linkAway ? undefined : connection) },
    clock: {
      nowMs: () => nowMs,
      sleep: (ms) => {
        nowMs += ms;
        return new Promise((resolve) => setTimeout(resolve, 2));
      },
    },
    events: createPipelineEvents(createLogger('silent'), new Registry()),
    signal: stop.signal,
  });
  return { teller, state, told, stop };
}

const oneFrame = [
  [
    [{ device: { accountId: sender, deviceId: 1 }, sessionEpoch: 5 }],
    { type: 'receipts', items: [expect.objectContaining({ conversationId: receipt.conversationId, deliveredPosition: receipt.delivered })] },
  ],
];

describe('telling senders', () => {
  test('is done once when they can be reached', async () => {
    const { teller, told, state } = stage();
    await teller.tell([receipt]);
    expect([told, state.lookups]).toEqual([oneFrame, 1]);
  });

  test.each(['registryAway', 'linkAway'] as const)('is tried again while %s', async (what) => {
    const { teller, told, state } = stage();
    state[what] = true;
    await teller.tell([receipt]);
    await eventually(() => expect(state.lookups).toBeGreaterThan(5));
    expect(told).toEqual([]);
    state[what] = false;
    await eventually(() => expect(told).toEqual(oneFrame));
  });

  test('is given up after half a minute', async () => {
    const { teller, told, state } = stage();
    state.linkAway = true;
    await teller.tell([receipt]);
    await eventually(() => expect(state.lookups).toBeGreaterThanOrEqual(100));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([told, state.lookups]).toEqual([[], 100]);
  });

  test('ends with its process', async () => {
    const { teller, state, stop } = stage();
    state.linkAway = true;
    await teller.tell([receipt]);
    stop.abort();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(state.lookups).toBeLessThan(10);
  });
});
