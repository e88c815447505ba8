import { mergeReceipts, receiptItemOf } from '../../core/receipts.js';
import type { Consumer, EventLog } from '../../ports/event-log.js';
import type { GatewayLink, SessionRef } from '../../ports/gateway-link.js';
import type { DeviceSession, SessionRegistry } from '../../ports/session-registry.js';
import type { Watermarks } from '../../ports/watermarks.js';
import type { AccountId } from '../../protocol/ids.js';
import { decodeReceiptRecord, type ReceiptRecord } from '../../protocol/log-records.js';
import type { PipelineEvents } from '../../telemetry/pipeline-events.js';

export interface ReceiptHandlerDependencies {
  readonly eventLog: EventLog;
  readonly watermarks: Watermarks;
  readonly registry: SessionRegistry;
  readonly link: GatewayLink;
  readonly events: PipelineEvents;
}

/** Raises watermarks for a whole batch of receipts, then tells the senders' devices that are online. Those that are not ask with `receipts.get`. */
export function startReceiptHandler(dependencies: ReceiptHandlerDependencies): Promise<Consumer> {
  return dependencies.eventLog.consume({
    topic: 'receipts',
    group: 'receipt-handler',
    maxBatch: 1_000,
    assigned: (assignment) => ({
      records: async (batch) => {
        const merged = mergeReceipts(batch.map(({ value }) => decodeReceiptRecord(value)));
        // The record is durable, so nobody need wait for the watermarks to be told.
        await Promise.all([dependencies.watermarks.raise(merged), tellSenders(dependencies, merged)]);
        dependencies.events.receiptsHandled(batch.length, merged.length);
        const last = batch.at(-1);
        if (last !== undefined) await assignment.commit(last.offset + 1);
      },
      revoked: () => Promise.resolve(),
    }),
  });
}

/** Best effort: one look-up for all, one frame for each device. */
async function tellSenders({ registry, link, events }: ReceiptHandlerDependencies, receipts: readonly ReceiptRecord[]): Promise<void> {
  const byAccount = new Map<AccountId, ReceiptRecord[]>();
  for (const receipt of receipts) {
    for (const accountId of receipt.notify) {
      const known = byAccount.get(accountId);
      if (known === undefined) byAccount.set(accountId, [receipt]);
      else known.push(receipt);
    }
  }
  const accounts = [...byAccount.keys()];
  let sessions: readonly (readonly DeviceSession[])[];
  try {
    sessions = await registry.lookup(accounts);
  } catch (error) {
    events.retried('receipt-lookup', error);
    return;
  }
  accounts.forEach((accountId, index) => {
    const items = (byAccount.get(accountId) ?? []).map(receiptItemOf);
    for (const [gatewayId, refs] of byGateway(accountId, sessions[index] ?? [])) link.to(gatewayId)?.signal(refs, { type: 'receipts', items });
  });
}

function byGateway(accountId: AccountId, sessions: readonly DeviceSession[]): Map<string, SessionRef[]> {
  const refs = new Map<string, SessionRef[]>();
  for (const { deviceId, gatewayId, sessionEpoch } of sessions) {
    const ref = { device: { accountId, deviceId }, sessionEpoch };
    const known = refs.get(gatewayId);
    if (known === undefined) refs.set(gatewayId, [ref]);
    else known.push(ref);
  }
  return refs;
}
