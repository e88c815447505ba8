import { RawMember } from './raw-group.js';
import { RegisteredDevices, type SignedAccount } from './registered-devices.js';
import type { RunningServer } from './server.js';

/** Devices by hand, of accounts that are put into the directory of a server. */
export class MemberStage {
  readonly server: RunningServer;
  readonly registered: RegisteredDevices;
  readonly #members: RawMember[] = [];

  constructor(server: RunningServer) {
    this.server = server;
    this.registered = new RegisteredDevices(server);
  }

  /** The devices of an account, not connected. */
  async account(deviceCount = 1): Promise<RawMember[]> {
    return this.devicesOf(await this.registered.account(deviceCount));
  }

  /** The same of an account that is there. */
  devicesOf({ devices }: SignedAccount): RawMember[] {
    const made = devices.map((device) => new RawMember(this.server, device));
    this.#members.push(...made);
    return made;
  }

  /** The only device of an account, not connected. */
  async one(): Promise<RawMember> {
    const [member] = await this.account();
    if (member === undefined) throw new Error('one device was asked for');
    return member;
  }

  /** All that were made. */
  async disconnect(): Promise<void> {
    await Promise.all(this.#members.splice(0).map((member) => member.disconnect()));
  }

  async close(): Promise<void> {
    await this.disconnect();
    await this.registered.close();
  }
}
