import { join } from 'node:path';

import { Device } from './device.js';
import { AccountJoiner, type LinkOptions } from './linking/join-account.js';
import { ownDeviceOf, type OwnDevice } from './own-device.js';
import { registerAccount } from './register-account.js';
import { RestClient } from './rest/rest-client.js';
import { SdkError } from './sdk-error.js';
import { SerialQueue } from './serial-queue.js';
import { DeviceStore } from './store/device-store.js';
import { defaultConnection, type ConnectionConfig } from './transport/connection.js';
import { defaultReconnect, type ReconnectConfig } from './transport/reconnect-rules.js';
import { TokenSource } from './transport/token-source.js';

export interface DeviceOptions {
  /** `http://` or `https://`, as the server printed it. */
  readonly server: string;
  /** The device's own directory: keys, messages, and what is still to be sent. One process at a time; never put back an older copy. */
  readonly directory: string;
  /** Registered if the directory holds no device yet; must be its own otherwise. */
  readonly handle?: string | undefined;
  /** What the server's operator wants to see before somebody may register. */
  readonly registrationProof?: string | undefined;
  /** Makes it a device of an account that exists, if the directory holds none yet: another device of the account takes the code (`device.devices.link`). */
  readonly link?: LinkOptions | undefined;
  readonly deviceName?: string | undefined;
  /** Protects the directory; see sdk/store/storage-key.ts for what holds without either. */
  readonly passphrase?: string | undefined;
  /** 32 bytes. */
  readonly storageKey?: Uint8Array | undefined;
  readonly reconnect?: Partial<ReconnectConfig> | undefined;
  readonly connection?: Partial<ConnectionConfig> | undefined;
}

/**
 * Opens the device of a directory, or registers or links a new one there. It is not connected yet.
 * Throws SdkError `directory_in_use`, `directory_unusable`, `wrong_key`, `other_device`, `not_registered`, `offline` (only while it has to register or link), and DomainError when the server refuses.
 */
export async function openDevice(options: DeviceOptions): Promise<Device> {
  const { server, directory, passphrase, storageKey, deviceName = 'heliograph sdk' } = options;
  const socketUrl = socketUrlOf(server);
  const store = await DeviceStore.open(directory, { passphrase, storageKey });
  try {
    const tokens: TokenSource = new TokenSource(() => rest.call('issueToken', { body: { accountId, deviceId, secret } }));
    const rest: RestClient = new RestClient(server, async (refused) => {
      if (refused) tokens.forget();
      return (await tokens.token(Date.now())).token;
    });
    const device = await knownOrNewDevice(store, rest, { ...options, deviceName });
    const { accountId, deviceId, secret } = device;
    return new Device({
      ...{ store, rest, tokens, deviceName, filesDirectory: join(directory, 'files') },
      own: { accountId, deviceId },
      handle: device.handle,
      socketUrl: `${socketUrl}?account=${accountId}`,
      reconnect: { ...defaultReconnect, ...options.reconnect },
      connection: { ...defaultConnection, ...options.connection },
      signal: new SerialQueue(),
    });
  } catch (error) {
    await store.close();
    throw error;
  }
}

type WantedDevice = Pick<DeviceOptions, 'handle' | 'link' | 'registrationProof'> & { readonly deviceName: string };

async function knownOrNewDevice(
  store: DeviceStore,
  rest: RestClient,
  { handle, link, registrationProof: proof, deviceName }: WantedDevice,
): Promise<OwnDevice> {
  const known = ownDeviceOf(store);
  if (known === undefined) {
    return link === undefined
      ? registerAccount(store, rest, { handle, deviceName, proof, nowMs: Date.now() })
      : new AccountJoiner(store, rest, link).join(deviceName);
  }
  if (handle === undefined || handle === known.handle) return known;
  throw new SdkError('other_device', `this directory is a device of ${known.handle}, not of ${handle}`);
}

function socketUrlOf(server: string): string {
  const base = URL.canParse(server) ? new URL(server) : undefined;
  if (base?.protocol !== 'http:' && base?.protocol !== 'https:') {
    throw new SdkError('offline', `${server} is no address of a server: http:// or https:// and a host`);
  }
  const url = new URL('/v1/socket', base);
  url.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
