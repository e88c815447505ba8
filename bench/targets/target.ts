import type { ChildServer } from '../process/child-server.js';
import type { LoadDevice, LoadPair, Wire } from '../load/wire.js';

/** A server under test, in its own process. */
export interface Target {
  readonly name: string;
  /** Of its WebSockets. */
  readonly url: string;
  readonly wire: Wire;
  readonly server: ChildServer;
  /** Devices that can connect; the first ones are the same at every call. */
  devices(count: number): Promise<readonly LoadDevice[]>;
  pairs(count: number): Promise<readonly LoadPair[]>;
  /** Ends the process and starts it again with the same data and devices: memory as of a fresh server. */
  restart(): Promise<Target>;
  stop(): Promise<void>;
}
