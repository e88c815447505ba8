import { expect } from '@jest/globals';

import type { SendFrame } from '../../protocol/client-frames.js';
import { directConversationId, type ConversationId, type DeviceAddress } from '../../protocol/ids.js';
import type { DeliverItem } from '../../protocol/server-frames.js';
import { envelopePlaintext, sealBody } from '../../sdk/encryption/body-seal.js';
import { encodeContent, type Content } from '../../sdk/encryption/content.js';
import { encryptTo } from '../../sdk/encryption/sessions.js';
import type { Device, DeviceOptions } from '../../sdk/index.js';
import type { Received } from '../../sdk/messages/receiver.js';
import { receiveAs, type DeviceStage } from './device-stage.js';
import { eventually } from './eventually.js';
import { newMessageId } from './ids.js';
import type { SdkParty } from './sdk-party.js';

/** A text, another content, or what a newer version would pack. */
type Said = string | Content | Uint8Array;

function bytesOf(said: Said, ttlSeconds?: number): Uint8Array {
  if (said instanceof Uint8Array) return said;
  return encodeContent({ content: typeof said === 'string' ? { type: 'text', text: said } : said, ttlSeconds });
}

export const addressOf = ({ accountId, deviceId }: Device): DeviceAddress => ({ accountId, deviceId });

/** Somebody with keys who writes to a device of the SDK by hand: what is sealed, delivered and answered is in the test's hands. */
export class PenPal {
  readonly party: SdkParty;
  readonly #stage: DeviceStage;

  private constructor(stage: DeviceStage, party: SdkParty) {
    this.#stage = stage;
    this.party = party;
  }

  /** With a session to the device, from what the server would hand out. */
  static async of(stage: DeviceStage, device: Device): Promise<PenPal> {
    const party = await stage.party();
    const { accountId, deviceId } = device;
    stage.server.directory.openConversation(party.address.accountId, accountId);
    const claimed = { params: { accountId }, query: { device: deviceId }, body: undefined };
    const bundle = stage.server.directory.handlers.claimPrekeys?.(claimed, party.address);
    const keys = bundle?.devices[0];
    if (bundle === undefined || keys === undefined) throw new Error('no bundle');
    await party.meet({ device: addressOf(device), identityKey: bundle.identityKey, ...keys });
    return new PenPal(stage, party);
  }

  /** A device that is online, and somebody who can write to it. */
  static async withDevice(stage: DeviceStage, options: Partial<DeviceOptions> = {}) {
    const device = await stage.connected(options);
    const pal = await PenPal.of(stage, device);
    await eventually(() => expect(device.status.state).toBe('online'));
    return { device, pal, conversationId: pal.conversationWith(device) };
  }

  conversationWith({ accountId }: Device): ConversationId {
    return directConversationId(this.party.address.accountId, accountId);
  }

  async seal(device: Device, said: Said, changes: Partial<SendFrame> = {}): Promise<SendFrame> {
    const { party } = this;
    const conversationId = this.conversationWith(device);
    const messageId = newMessageId();
    const { key, body } = sealBody({ conversationId, messageId, sender: party.address }, bytesOf(said, changes.ttlSeconds));
    const envelope = await party.commit((unit) => encryptTo(unit, party.address, addressOf(device), envelopePlaintext({ key, body })));
    const envelopes = [{ to: { ...addressOf(device), registrationId: 1 }, ...envelope }];
    const frame = { type: 'send', id: 1, messageId, conversationId, rosterDigest: '', kind: 'message', body, envelopes } as const;
    return { ...frame, envelopes, attempt: 1, strategy: 'strict', ...changes };
  }

  /** Sealed, accepted and, if the device is there, delivered. */
  async write(device: Device, said: Said, changes: Partial<SendFrame> = {}): Promise<DeliverItem> {
    const [item] = this.accept(await this.seal(device, said, changes));
    if (item === undefined) throw new Error('nothing was addressed');
    return item;
  }

  accept(send: SendFrame): readonly DeliverItem[] {
    return this.#stage.server.accept(this.party.address, send);
  }

  /** What the device sent to say nothing but that it has the keys. */
  keys(): readonly DeliverItem[] {
    return this.#stage.server.inbox(this.party.address).filter(({ kind }) => kind === 'keys');
  }

  /** Takes in all that the device sent. */
  takeAnswers(): Promise<Received> {
    return receiveAs(this.party, this.#stage.server.inbox(this.party.address));
  }
}
