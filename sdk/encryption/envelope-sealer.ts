import type { Envelope } from '../../protocol/client-frames.js';
import { deviceKey, type DeviceAddress } from '../../protocol/ids.js';
import type { PrekeyBundle } from '../../protocol/rest/prekey.js';
import type { RestClient } from '../rest/rest-client.js';
import type { SerialQueue } from '../serial-queue.js';
import type { DeviceStore } from '../store/device-store.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { acceptDeviceList } from './device-list.js';
import { encryptTo, sessionRegistration, startSession } from './sessions.js';

/** A device of a roster. */
export interface Recipient extends DeviceAddress {
  readonly registrationId: number;
}

export interface EnvelopeSealerDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly rest: RestClient;
  /** Of everything that touches Signal state. */
  readonly signal: SerialQueue;
  readonly onIdentityChanged: (device: DeviceAddress) => void;
}

/** Seals one plaintext for each device, with sessions begun where there are none. */
export class EnvelopeSealer {
  readonly #dependencies: EnvelopeSealerDependencies;

  constructor(dependencies: EnvelopeSealerDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * `keep` puts what must become durable together with the advanced sessions into the same unit. Throws SdkError `identity_changed`, `untrusted_server`, `offline`, and the server's refusals.
   */
  async seal(
    recipients: readonly Recipient[],
    plaintext: Uint8Array,
    keep: (unit: UnitOfWork, envelopes: readonly Envelope[]) => void,
  ): Promise<void> {
    const { store, own, signal, onIdentityChanged } = this.#dependencies;
    const bundles = await this.#missingBundles(recipients);
    const changed = new Set<DeviceAddress>();
    await signal.run(async () => {
      for (const bundle of bundles) await this.#begin(bundle, changed);
      const unit = store.begin();
      const envelopes: Envelope[] = [];
      for (const { accountId, deviceId, registrationId } of recipients) {
        const { type, content } = await encryptTo(unit, own, { accountId, deviceId }, plaintext);
        envelopes.push({ to: { accountId, deviceId, registrationId }, type, content });
      }
      keep(unit, envelopes);
      await unit.commit();
    });
    for (const device of changed) onIdentityChanged(device);
  }

  async #missingBundles(recipients: readonly Recipient[]): Promise<readonly PrekeyBundle[]> {
    const { store, rest } = this.#dependencies;
    const missing = recipients.filter((recipient) => sessionRegistration(store, recipient) !== recipient.registrationId);
    return Promise.all(missing.map(({ accountId, deviceId }) => rest.call('claimPrekeys', { params: { accountId }, query: { device: deviceId } })));
  }

  /** In a unit of its own that is committed also when the identity changed: that it did must be known the next time. */
  async #begin(bundle: PrekeyBundle, changed: Set<DeviceAddress>): Promise<void> {
    const { store, own } = this.#dependencies;
    const unit = store.begin();
    acceptDeviceList(unit, bundle);
    try {
      for (const { deviceId, ...keys } of bundle.devices) {
        const device = { accountId: bundle.accountId, deviceId };
        const { identityChanged } = await startSession(unit, own, { device, identityKey: bundle.identityKey, ...keys });
        if (identityChanged) changed.add(device);
      }
    } finally {
      await unit.commit();
    }
  }
}

/** Recipients of a roster: every device but the one that sends. */
export function recipientsOf(
  members: readonly { readonly accountId: Recipient['accountId']; readonly devices: readonly Omit<Recipient, 'accountId'>[] }[],
  own: DeviceAddress,
): readonly Recipient[] {
  const all = members.flatMap(({ accountId, devices }) => devices.map(({ deviceId, registrationId }) => ({ accountId, deviceId, registrationId })));
  return all.filter((recipient) => deviceKey(recipient) !== deviceKey(own));
}
