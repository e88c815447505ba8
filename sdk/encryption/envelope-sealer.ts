import type { Envelope } from '../../protocol/client-frames.js';
import { deviceKey, type AccountId, type DeviceAddress } from '../../protocol/ids.js';
import type { PrekeyBundle } from '../../protocol/rest/prekey.js';
import { inChunks } from '../in-chunks.js';
import type { RestClient } from '../rest/rest-client.js';
import type { SerialQueue } from '../serial-queue.js';
import type { DeviceStore } from '../store/device-store.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { acceptDeviceList, knownListVersion } from './device-list.js';
import { encryptTo, sessionRegistration, startSession } from './sessions.js';

const bundlesAtOnce = 16;

/** A device of a roster. */
export interface Recipient extends DeviceAddress {
  readonly registrationId: number;
}

interface Claimed {
  readonly recipient: Recipient;
  readonly bundle: PrekeyBundle;
  /** Of the account's device list, when it was asked. */
  readonly knownVersion: number;
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
   * `plaintextOf` may change the unit too. `keep` puts what must become durable together with the advanced sessions into the same unit; its result is that of `seal`, once all of it is.
   * Throws SdkError `identity_changed`, `untrusted_server`, `offline`, and the server's refusals.
   */
  async seal<Kept>(
    recipients: readonly Recipient[],
    plaintextOf: (unit: UnitOfWork) => Uint8Array | Promise<Uint8Array>,
    keep: (unit: UnitOfWork, envelopes: readonly Envelope[]) => Kept | Promise<Kept>,
  ): Promise<Kept> {
    const { store, signal, onIdentityChanged } = this.#dependencies;
    const changed = new Map<AccountId, DeviceAddress>();
    try {
      for (;;) {
        const claims = await this.#claimMissing(recipients);
        const claimedFor = new Set(claims.map(({ recipient }) => recipient));
        const sealed = await signal.run(async () => {
          for (const claimed of claims) await this.#begin(claimed, changed);
          // While bundles were under way a session that was there may have been given up.
          if (recipients.some((recipient) => !claimedFor.has(recipient) && sessionRegistration(store, recipient) === undefined)) return undefined;
          const unit = store.begin();
          const kept = await keep(unit, await this.#encryptAll(unit, recipients, await plaintextOf(unit)));
          await unit.commit();
          return { kept };
        });
        if (sealed !== undefined) return sealed.kept;
      }
    } finally {
      for (const device of changed.values()) onIdentityChanged(device);
    }
  }

  async #encryptAll(unit: UnitOfWork, recipients: readonly Recipient[], plaintext: Uint8Array): Promise<readonly Envelope[]> {
    const envelopes: Envelope[] = [];
    for (const { accountId, deviceId, registrationId } of recipients) {
      const { type, content } = await encryptTo(unit, this.#dependencies.own, { accountId, deviceId }, plaintext);
      // Of the session, if keys for a newer registration came than the roster knew of: the server compares with its own.
      const sealedFor = sessionRegistration(unit, { accountId, deviceId }) ?? registrationId;
      envelopes.push({ to: { accountId, deviceId, registrationId: sealedFor }, type, content });
    }
    return envelopes;
  }

  async #claimMissing(recipients: readonly Recipient[]): Promise<readonly Claimed[]> {
    const { store, rest } = this.#dependencies;
    const missing = recipients.filter((recipient) => !hasSession(store, recipient));
    const claims: Claimed[] = [];
    for (const asked of inChunks(missing, bundlesAtOnce)) {
      const answers = asked.map(async (recipient) => {
        const { accountId, deviceId } = recipient;
        const knownVersion = knownListVersion(store, accountId);
        return { recipient, bundle: await rest.call('claimPrekeys', { params: { accountId }, query: { device: deviceId } }), knownVersion };
      });
      claims.push(...(await Promise.all(answers)));
    }
    return claims;
  }

  /** In a unit of its own that is committed also when the identity changed: that it did must be known the next time. */
  async #begin({ recipient, bundle, knownVersion }: Claimed, changed: Map<AccountId, DeviceAddress>): Promise<void> {
    const { store, own } = this.#dependencies;
    const { accountId, identityKey } = bundle;
    const unit = store.begin();
    acceptDeviceList(unit, bundle, knownVersion);
    try {
      for (const { deviceId, ...keys } of bundle.devices) {
        const device = { accountId, deviceId };
        // While the bundle was under way the peer may have begun a session, or another conversation of ours has.
        if (deviceKey(recipient) !== deviceKey(device) || hasSession(unit, recipient)) continue;
        const { identityChanged } = await startSession(unit, own, { device, identityKey, ...keys });
        if (identityChanged) changed.set(accountId, device);
      }
    } finally {
      await unit.commit();
    }
  }
}

function hasSession(unit: Pick<UnitOfWork, 'get'>, recipient: Recipient): boolean {
  return sessionRegistration(unit, recipient) === recipient.registrationId;
}

/** Recipients of a roster: every device but the one that sends. */
export function recipientsOf(
  members: readonly { readonly accountId: Recipient['accountId']; readonly devices: readonly Omit<Recipient, 'accountId'>[] }[],
  own: DeviceAddress,
): readonly Recipient[] {
  const all = members.flatMap(({ accountId, devices }) => devices.map(({ deviceId, registrationId }) => ({ accountId, deviceId, registrationId })));
  return all.filter((recipient) => deviceKey(recipient) !== deviceKey(own));
}
