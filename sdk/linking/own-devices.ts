import { DomainError } from '../../protocol/errors.js';
import type { DeviceAddress, DeviceId, LinkId, RemovalId } from '../../protocol/ids.js';
import type { LinkStage } from '../../protocol/rest/link.js';
import { acceptDeviceList, signDeviceList } from '../encryption/device-list.js';
import { ownIdentityOf } from '../encryption/signal-stores.js';
import type { RestClient } from '../rest/rest-client.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import { checkDigits, sealLinkBox } from './link-box.js';
import { decodeLinkCode } from './link-code.js';

export interface OwnDevicesDependencies {
  readonly store: DeviceStore;
  readonly own: DeviceAddress;
  readonly handle: string;
  readonly rest: RestClient;
  readonly signal: SerialQueue;
}

export interface LinkedDevice {
  readonly deviceId: DeviceId;
  readonly name: string;
  readonly createdAtMs: number;
  /** Missing if it never connected. */
  readonly lastSeenAtMs?: number | undefined;
  /** This one. */
  readonly isThis: boolean;
}

export interface LinkProgress {
  readonly stage: LinkStage;
  /** Once it has joined. */
  readonly deviceId?: DeviceId | undefined;
}

/** Another device of the account may change the list at the same time. */
const maxConflicts = 5;

/** The devices of the account: up to five. Every call asks the server, and throws DomainError when it refuses, SdkError `offline` without it, `untrusted_server` for a list that the account did not sign. */
export class OwnDevices {
  readonly #dependencies: OwnDevicesDependencies;

  constructor(dependencies: OwnDevicesDependencies) {
    this.#dependencies = dependencies;
  }

  async list(): Promise<readonly LinkedDevice[]> {
    const { items } = await this.#signedList();
    const { deviceId: ownId } = this.#dependencies.own;
    return items.map(({ deviceId, name, createdAtMs, lastSeenAtMs }) => ({ deviceId, name, createdAtMs, lastSeenAtMs, isThis: deviceId === ownId }));
  }

  /**
   * Makes the device that shows the code one of this account. The user compares the digits with what that device shows then.
   * Throws DomainError `invalid_request` (no code), `not_found` (its ten minutes are over), `conflict` (five devices already).
   */
  async link(code: string): Promise<{ readonly checkDigits: string; readonly linkId: LinkId }> {
    const { store, own, handle, rest } = this.#dependencies;
    const decoded = decodeLinkCode(code);
    const { deviceList } = await this.#signedList();
    const identityKeyPair = ownIdentityOf(store).serialize();
    const { accountId, deviceId: answeredBy } = own;
    const sealed = sealLinkBox(decoded, { accountId, handle, identityKeyPair, listVersion: deviceList.version, answeredBy });
    await rest.call('answerLink', { params: { linkId: decoded.linkId }, body: { sealed } });
    return { checkDigits: checkDigits(decoded, sealed), linkId: decoded.linkId };
  }

  /** How far a link is that a device of the account answered, until a day after it ended: whether the new device has joined, and has what was said before. Throws DomainError `not_found`. */
  async linkProgress(linkId: LinkId): Promise<LinkProgress> {
    const { stage, deviceId } = await this.#dependencies.rest.call('getLink', { params: { linkId } });
    return { stage, deviceId };
  }

  /** Nobody joins by it any more: the digits were others, or it was not wanted. Throws DomainError `conflict` once the device has joined (`unlink` it then), `not_found`. */
  async cancelLink(linkId: LinkId): Promise<void> {
    await this.#dependencies.rest.call('cancelLink', { params: { linkId } });
  }

  /** It is out at once: its sessions, token and prekeys end. Answers what `Device.removal` tells when nothing of it is left. Throws DomainError `not_found`, `conflict` for the last device. */
  async unlink(deviceId: DeviceId): Promise<RemovalId> {
    const { store, own, rest } = this.#dependencies;
    for (let conflicts = 0; ; conflicts += 1) {
      const { items, deviceList } = await this.#signedList();
      const staying = items.filter((of) => of.deviceId !== deviceId);
      const body = { deviceList: signDeviceList(store, own.accountId, deviceList.version + 1, staying) };
      try {
        return (await rest.call('removeDevice', { params: { deviceId }, body })).removalId;
      } catch (error) {
        const changed = error instanceof DomainError && (error.code === 'conflict' || error.code === 'invalid_request') && staying.length > 0;
        if (!changed || conflicts >= maxConflicts) throw error;
      }
    }
  }

  async #signedList() {
    const { own, rest } = this.#dependencies;
    const { items, deviceList } = await rest.call('listDevices', {});
    await changeInTurn(this.#dependencies, (unit) => {
      const identityKey = ownIdentityOf(unit).publicKey.serialize();
      acceptDeviceList(unit, { accountId: own.accountId, identityKey, deviceList, listed: items, devices: [] });
    });
    return { items, deviceList };
  }
}
