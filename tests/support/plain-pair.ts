import { registerPairs } from '../../bench/load/register-accounts.js';
import type { LoadDevice, LoadPair } from '../../bench/load/wire.js';
import type { AccountId, ConversationId, DeviceId } from '../../protocol/ids.js';
import { historyPage } from '../../protocol/rest/conversation.js';
import type { ConversationRecord, DeviceRecord } from './find-delivery-faults.js';
import { PlainDevice, type Credentials } from './plain-device.js';

interface Addresses {
  readonly publicUrl: string;
  readonly socketUrl: string;
}

/** Two plain devices and their conversation. Both live in this process, so what one is told of the other can be checked at that very moment. */
export class PlainPair {
  readonly devices: readonly [PlainDevice, PlainDevice];
  /** Receipts for what the other device did not have. */
  readonly earlyReceipts: string[] = [];
  readonly #pair: LoadPair;
  readonly #conversationId: ConversationId;

  constructor(pair: LoadPair) {
    this.#pair = pair;
    this.#conversationId = pair.conversationId as ConversationId;
    this.devices = [new PlainDevice(credentialsOf(pair.sender)), new PlainDevice(credentialsOf(pair.receiver))];
    this.#watchReceipts(this.devices[0], this.devices[1]);
    this.#watchReceipts(this.devices[1], this.devices[0]);
  }

  static async register(publicUrl: string, count: number): Promise<readonly PlainPair[]> {
    return (await registerPairs(publicUrl, count)).map((pair) => new PlainPair(pair));
  }

  /** Connects those of the two that are not; or only the ones asked for. */
  async connect(socketUrl: string, which: readonly [boolean, boolean] = [true, true]): Promise<void> {
    await Promise.all(this.devices.filter(({ connected }, index) => which[index] === true && !connected).map((device) => device.connect(socketUrl)));
  }

  async close(): Promise<void> {
    await Promise.all(this.devices.map((device) => device.close()));
  }

  send(from: 0 | 1): void {
    const { rosterDigest } = this.#pair;
    this.devices[from].send({ conversationId: this.#conversationId, rosterDigest, to: [this.devices[from === 0 ? 1 : 0].credentials] });
  }

  /** Everything that the devices and the server's history know. */
  async record({ publicUrl }: Pick<Addresses, 'publicUrl'>): Promise<ConversationRecord> {
    return {
      devices: [this.#recordOf('sender', this.devices[0]), this.#recordOf('receiver', this.devices[1])],
      history: await this.#history(publicUrl),
    };
  }

  async #history(publicUrl: string): Promise<ConversationRecord['history']> {
    const items: { messageId: string; position: number }[] = [];
    for (;;) {
      const after = items.at(-1)?.position ?? 0;
      const url = `${publicUrl}/v1/conversations/${this.#conversationId}/messages?limit=100&after=${after}`;
      const response = await fetch(url, { headers: { authorization: `Bearer ${this.#pair.sender.token}` } });
      const page = historyPage.parse(await response.json());
      if (page.items.length === 0) return items;
      items.push(...page.items);
    }
  }

  #recordOf(name: string, { accepted, received, receipted, repeatedUpTo }: PlainDevice): DeviceRecord {
    return {
      name,
      accepted: new Map([...accepted].map(([messageId, { position }]) => [messageId, position])),
      received,
      repeatedUpTo,
      receipted: receipted.get(this.#conversationId) ?? 0,
    };
  }

  #watchReceipts(told: PlainDevice, other: PlainDevice): void {
    told.onReceipt = (upTo) => {
      const lacking = [upTo, ...[...told.accepted.values()].map(({ position }) => position)].filter(
        (position) => position <= upTo && !other.positions.has(position),
      );
      this.earlyReceipts.push(...lacking.map((position) => `a receipt up to ${upTo} came while ${position} was not on the other device`));
    };
  }
}

function credentialsOf({ accountId, deviceId, registrationId, token }: LoadDevice): Credentials {
  return { device: { accountId: accountId as AccountId, deviceId: deviceId as DeviceId }, registrationId, token };
}
