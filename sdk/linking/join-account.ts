import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { PrivateKey } from '@signalapp/libsignal-client';
import { v4 } from 'uuid';

import { DomainError } from '../../protocol/errors.js';
import type { DeviceId, LinkId } from '../../protocol/ids.js';
import type { NewDevice } from '../../protocol/rest/account.js';
import type { LinkState } from '../../protocol/rest/link.js';
import { acceptDeviceList, signDeviceList } from '../encryption/device-list.js';
import { adoptIdentity, makePrekeys } from '../encryption/prekeys.js';
import { signalBytes } from '../encryption/signal-bytes.js';
import { ownIdentityOf } from '../encryption/signal-stores.js';
import { keepOwnDevice, type OwnDevice } from '../own-device.js';
import type { RestClient } from '../rest/rest-client.js';
import { SdkError } from '../sdk-error.js';
import type { DeviceStore } from '../store/device-store.js';
import { table } from '../store/table.js';
import { introductionTable } from './introduction.js';
import { checkDigits, openLinkBox, type LinkBox } from './link-box.js';
import { encodeLinkCode, type LinkCode } from './link-code.js';

export interface LinkOptions {
  /** Told what to show, as text or QR; told again when nobody answered for ten minutes. */
  readonly onCode: (code: string) => void;
  /** Told the six digits that the answering device shows too. */
  readonly onCheckDigits?: ((digits: string) => void) | undefined;
  /** `false`: the device begins without what was said before. */
  readonly history?: boolean | undefined;
  /** Ends the wait: `openDevice` rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

interface OpenedLink {
  readonly linkId: LinkId;
  readonly secret: Uint8Array;
  readonly privateKey: Uint8Array;
}
/** Key: `own`. The link that waits for an answer. */
const linkTable = table<OpenedLink>('link');

interface Joining {
  readonly linkId: LinkId;
  readonly box: LinkBox;
  readonly device: NewDevice;
  /** The number that the server was asked for last. */
  readonly deviceId?: DeviceId | undefined;
}
/** Key: `own`. What is sent to join; gone once the server took it. */
const joiningTable = table<Joining>('joining');

const pollMs = 1_000;
/** Other devices of the account may join, or go, at the same time. */
const maxConflicts = 10;

/** The same link, keys and secret after a kill. */
export class AccountJoiner {
  readonly #store: DeviceStore;
  readonly #rest: RestClient;
  readonly #options: LinkOptions;

  constructor(store: DeviceStore, rest: RestClient, options: LinkOptions) {
    this.#store = store;
    this.#rest = rest;
    this.#options = options;
  }

  /** Resolves when the device is one of an account. Throws SdkError `offline`, `untrusted_server`, `undecryptable`, and DomainError when the server refuses: `conflict` for an account that has all its devices. */
  async join(deviceName: string): Promise<OwnDevice> {
    for (;;) {
      const joining = this.#store.get(joiningTable, 'own') ?? (await this.#answered(deviceName));
      const own = await this.#finish(joining);
      if (own !== undefined) return own;
    }
  }

  async #answered(deviceName: string): Promise<Joining> {
    const { onCode, onCheckDigits } = this.#options;
    for (;;) {
      const { linkId, secret, privateKey } = await this.#link();
      const key = PrivateKey.deserialize(signalBytes(privateKey));
      const code: LinkCode = { linkId, publicKey: key.getPublicKey().serialize() };
      if (await this.#opened({ linkId, secret })) onCode(encodeLinkCode(code));
      let state = await this.#stateOf(linkId, secret);
      while (state?.state === 'waiting') {
        await this.#pause();
        state = await this.#stateOf(linkId, secret);
      }
      if (state !== undefined) {
        onCheckDigits?.(checkDigits(code, state.sealed));
        const box = openLinkBox(key, { linkId }, state.sealed);
        return this.#makeDevice({ linkId, box }, { deviceName, secret });
      }
      await this.#forgetLink();
    }
  }

  /** Throws the reason of the signal that ends the wait. */
  async #pause(): Promise<void> {
    const { signal } = this.#options;
    await sleep(pollMs, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }

  async #link(): Promise<OpenedLink> {
    const known = this.#store.get(linkTable, 'own');
    if (known !== undefined) return known;
    const link = { linkId: v4() as LinkId, secret: randomBytes(32), privateKey: PrivateKey.generate().serialize() };
    const unit = this.#store.begin();
    unit.put(linkTable, ['own'], link);
    await unit.commit();
    await this.#store.flushed();
    return link;
  }

  /** `false`: the id is somebody else's, so this one is given up. */
  async #opened(link: Pick<OpenedLink, 'linkId' | 'secret'>): Promise<boolean> {
    try {
      await this.#rest.call('openLink', { body: link });
      return true;
    } catch (error) {
      if (error instanceof DomainError && error.code === 'conflict') return false;
      throw error;
    }
  }

  /** `undefined`: its time is over. */
  async #stateOf(linkId: LinkId, secret: Uint8Array): Promise<LinkState | undefined> {
    try {
      return await this.#rest.call('readLink', { params: { linkId }, body: { secret } });
    } catch (error) {
      if (error instanceof DomainError && error.code === 'not_found') return undefined;
      if (error instanceof DomainError && error.retryAfterMs !== undefined) return { state: 'waiting' };
      throw error;
    }
  }

  async #forgetLink(): Promise<void> {
    const unit = this.#store.begin();
    unit.remove(linkTable, 'own');
    unit.remove(joiningTable, 'own');
    await unit.commit();
  }

  async #makeDevice(
    { linkId, box }: Pick<Joining, 'linkId' | 'box'>,
    { deviceName, secret }: { readonly deviceName: string; readonly secret: Uint8Array },
  ): Promise<Joining> {
    const unit = this.#store.begin();
    const registrationId = adoptIdentity(unit, box.identityKeyPair);
    const { signedPrekey, kemLastResort, ecPrekeys, kemPrekeys } = makePrekeys(unit, Date.now());
    const keys = { signedPrekey, kemLastResort, ecPrekeys: [...ecPrekeys], kemPrekeys: [...kemPrekeys] };
    const joining: Joining = { linkId, box, device: { name: deviceName, registrationId, secret, keys } };
    unit.put(joiningTable, ['own'], joining);
    await unit.commit();
    await this.#store.flushed();
    return joining;
  }

  /** `undefined`: the link's time was over before the server took the device. */
  async #finish(joining: Joining): Promise<OwnDevice | undefined> {
    const { linkId, box, device } = joining;
    for (let conflicts = 0; ; conflicts += 1) {
      const state = await this.#stateOf(linkId, device.secret);
      if (state === undefined) return (await this.#isKnown(joining)) ? this.#joined(box, joining) : this.#forgetLink().then(() => undefined);
      if (state.state === 'waiting') {
        await this.#pause();
        continue;
      }
      const asked = await this.#asking(joining, state);
      try {
        await this.#rest.call('finishLink', { params: { linkId }, body: asked.body });
        return await this.#joined(box, asked.joining);
      } catch (error) {
        if (!(error instanceof DomainError) || error.code !== 'conflict' || conflicts >= maxConflicts) throw error;
      }
    }
  }

  /** The list that the account has now, with this device on it. */
  async #asking(joining: Joining, { account, deviceId }: Extract<LinkState, { state: 'answered' }>) {
    const { box, device } = joining;
    if (deviceId === undefined) throw new DomainError('conflict', 'the account has all the devices it may have; remove one first');
    const unit = this.#store.begin();
    const identityKey = ownIdentityOf(unit).publicKey.serialize();
    const others = account.devices.filter((of) => of.deviceId !== deviceId);
    const isOurs = account.accountId === box.accountId && Buffer.compare(account.identityKey, identityKey) === 0;
    if (!isOurs || account.deviceList.version < box.listVersion) {
      throw new SdkError('untrusted_server', 'the server shows another account, or an older device list, than the device that answered');
    }
    acceptDeviceList(unit, { ...account, listed: account.devices, devices: [] });
    const listed = [...others, { deviceId, registrationId: device.registrationId }];
    const isListed = others.length < account.devices.length;
    const deviceList = isListed ? account.deviceList : signDeviceList(unit, box.accountId, account.deviceList.version + 1, listed);
    const now: Joining = { ...joining, deviceId };
    unit.put(joiningTable, ['own'], now);
    await unit.commit();
    await this.#store.flushed();
    return { joining: now, body: { device: { ...device, deviceId }, deviceList, wantsHistory: this.#options.history !== false } };
  }

  /** Whether the server took the device, and its answer was lost. */
  async #isKnown({ box: { accountId }, device: { secret }, deviceId }: Joining): Promise<boolean> {
    if (deviceId === undefined) return false;
    try {
      await this.#rest.call('issueToken', { body: { accountId, deviceId, secret } });
      return true;
    } catch (error) {
      if (error instanceof DomainError && error.code === 'unauthenticated') return false;
      throw error;
    }
  }

  async #joined({ accountId, handle, answeredBy }: LinkBox, { linkId, device: { secret }, deviceId }: Joining): Promise<OwnDevice> {
    if (deviceId === undefined) throw new SdkError('not_registered', 'the device has no number');
    const own: OwnDevice = { accountId, deviceId, handle, secret };
    const unit = this.#store.begin();
    keepOwnDevice(unit, own);
    const withoutHistory = this.#options.history === false ? true : undefined;
    unit.put(introductionTable, ['own'], { linkId, accountId, deviceId: answeredBy, withoutHistory });
    unit.remove(linkTable, 'own');
    unit.remove(joiningTable, 'own');
    await unit.commit();
    await this.#store.flushed();
    return own;
  }
}
