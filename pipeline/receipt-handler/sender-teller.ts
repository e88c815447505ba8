import { receiptItemFor } from '../../core/receipts.js';
import type { Clock } from '../../ports/clock.js';
import type { GatewayLink, SessionRef } from '../../ports/gateway-link.js';
import type { DeviceSession, SessionRegistry } from '../../ports/session-registry.js';
import type { AccountId } from '../../protocol/ids.js';
import type { ReceiptRecord } from '../../protocol/log-records.js';
import type { PipelineEvents } from '../../telemetry/pipeline-events.js';

const againAfterMs = 300;
const giveUpAfterMs = 30_000;
/** Receipts that could not be told yet; above it the oldest are given up. */
const maxUntold = 20_000;

export interface SenderTellerDependencies {
  readonly registry: SessionRegistry;
  readonly link: GatewayLink;
  readonly clock: Clock;
  readonly events: PipelineEvents;
  /** Ends the repetitions of a process that stops. */
  readonly signal: AbortSignal;
}

/** What one account is to be told. */
interface News {
  readonly accountId: AccountId;
  readonly receipts: readonly ReceiptRecord[];
  readonly untilMs: number;
}

/**
 * Tells senders' devices that are online: one look-up for all, one frame for each gateway. While the registry does not answer, or the link to a gateway is not there, it is tried again
 * for half a minute. Whoever is not online then asks with `receipts.get` when it comes back.
 */
export class SenderTeller {
  readonly #dependencies: SenderTellerDependencies;
  #untold: News[] = [];
  #repeating = false;

  constructor(dependencies: SenderTellerDependencies) {
    this.#dependencies = dependencies;
  }

  /** Never rejects. Resolves when it was tried once. */
  async tell(receipts: readonly ReceiptRecord[]): Promise<void> {
    const byAccount = new Map<AccountId, ReceiptRecord[]>();
    for (const receipt of receipts) {
      for (const accountId of receipt.notify) {
        const known = byAccount.get(accountId);
        if (known === undefined) byAccount.set(accountId, [receipt]);
        else known.push(receipt);
      }
    }
    const untilMs = this.#dependencies.clock.nowMs() + giveUpAfterMs;
    await this.#try([...byAccount].map(([accountId, of]) => ({ accountId, receipts: of, untilMs })));
  }

  async #try(news: readonly News[]): Promise<void> {
    if (news.length === 0) return;
    const { registry, link, events } = this.#dependencies;
    let sessions: readonly (readonly DeviceSession[])[];
    try {
      sessions = await registry.lookup(news.map(({ accountId }) => accountId));
    } catch (error) {
      events.retried('receipt-lookup', error);
      this.#again(news);
      return;
    }
    const unreached = news.filter(({ accountId, receipts }, index) => {
      const items = receipts.map((receipt) => receiptItemFor(accountId, receipt));
      let reached = true;
      for (const [gatewayId, refs] of byGateway(accountId, sessions[index] ?? [])) {
        const connection = link.to(gatewayId);
        if (connection === undefined) reached = false;
        else connection.signal(refs, { type: 'receipts', items });
      }
      return !reached;
    });
    this.#again(unreached);
  }

  #again(news: readonly News[]): void {
    this.#untold.push(...news);
    if (this.#untold.length > maxUntold) this.#untold.splice(0, this.#untold.length - maxUntold);
    if (this.#untold.length > 0 && !this.#repeating) void this.#repeat();
  }

  async #repeat(): Promise<void> {
    const { clock, signal } = this.#dependencies;
    this.#repeating = true;
    while (this.#untold.length > 0 && !signal.aborted) {
      await clock.sleep(againAfterMs, signal).catch(() => undefined);
      const nowMs = clock.nowMs();
      const due = this.#untold.filter(({ untilMs }) => untilMs > nowMs);
      this.#untold = [];
      await this.#try(due);
    }
    this.#repeating = false;
  }
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
