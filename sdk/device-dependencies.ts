import type { DeviceAddress } from '../protocol/ids.js';
import type { RestClient } from './rest/rest-client.js';
import type { SerialQueue } from './serial-queue.js';
import type { DeviceStore } from './store/device-store.js';
import type { ConnectionConfig } from './transport/connection.js';
import type { ReconnectConfig } from './transport/reconnect-rules.js';
import type { TokenSource } from './transport/token-source.js';

/** What a device is made of. */
export interface DeviceDependencies {
  readonly store: DeviceStore;
  /** Of sealed bytes of files on their way. */
  readonly filesDirectory: string;
  readonly own: DeviceAddress;
  readonly handle: string;
  readonly rest: RestClient;
  readonly tokens: TokenSource;
  readonly socketUrl: string;
  readonly deviceName: string;
  readonly reconnect: ReconnectConfig;
  readonly connection: ConnectionConfig;
  readonly signal: SerialQueue;
}
