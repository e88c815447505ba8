import type { MeasuredProcesses } from '../process/measure-cpu.js';
import type { LoadGroup } from '../load/group-messages.js';
import type { LoadDevice, LoadPair, Wire } from '../load/wire.js';

export interface SessionHolder {
  readonly pid: number;
  /** Of its own WebSockets. */
  readonly url: string;
}

/** A server under test, in processes of its own. */
export interface Target extends MeasuredProcesses {
  readonly name: string;
  /** Of its WebSockets. */
  readonly url: string;
  readonly wire: Wire;
  /** Those of its processes that hold sessions: a load balancer before them runs out of file descriptors first. */
  readonly sessionHolders: readonly SessionHolder[];
  /** Devices that can connect; the first ones are the same at every call. */
  devices(count: number): Promise<readonly LoadDevice[]>;
  pairs(count: number): Promise<readonly LoadPair[]>;
  /** Ends the process and starts it again with the same data and devices: memory as of a fresh server. */
  restart(): Promise<Target>;
  stop(): Promise<void>;
}

/** One that has groups, and says what it did. */
export interface GroupTarget extends Target {
  /** Groups of so many members with one device each, anew at every call. Nobody is in two of them. */
  groups(count: number, members: number): Promise<readonly LoadGroup[]>;
  /** Sums of counters (`heliograph_…_total`) over all of its processes, by the names they are given under. */
  counts<Name extends string>(counters: Readonly<Record<Name, string>>): Promise<Readonly<Record<Name, number>>>;
}
