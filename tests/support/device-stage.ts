import type { AccountId } from '../../protocol/ids.js';
import type { DeliverItem } from '../../protocol/server-frames.js';
import { openDevice, type Device, type DeviceEvents, type DeviceOptions, type Message } from '../../sdk/index.js';
import { receive, type Received } from '../../sdk/messages/receiver.js';
import { ScriptedServer } from './scripted-server.js';
import { SdkParty } from './sdk-party.js';
import { temporaryDirectory, type TemporaryDirectory } from './temporary-directory.js';

/** Quick to come back, so that tests are quick. */
const reconnect = { baseMs: 5, capMs: 50, spreadMs: 20 };

/** A scripted server, devices of the SDK on it, and parties that have keys and no connection. */
export class DeviceStage {
  readonly server: ScriptedServer;
  readonly #devices = new Set<Device>();
  readonly #parties: SdkParty[] = [];
  readonly #directories: TemporaryDirectory[] = [];
  #handles = 0;

  private constructor(server: ScriptedServer) {
    this.server = server;
  }

  static async start(): Promise<DeviceStage> {
    return new DeviceStage(await ScriptedServer.start());
  }

  directory(): string {
    const directory = temporaryDirectory();
    this.#directories.push(directory);
    return directory.path;
  }

  handle(): string {
    this.#handles += 1;
    return `person-${this.#handles}`;
  }

  /** Not connected yet. */
  async open(options: Partial<DeviceOptions> = {}): Promise<Device> {
    const { directory = this.directory(), handle } = options;
    const device = await openDevice({ server: this.server.url, reconnect, ...options, directory, handle });
    this.#devices.add(device);
    return device;
  }

  async connected(options: Partial<DeviceOptions> = {}): Promise<Device> {
    const device = await this.open({ handle: this.handle(), ...options });
    device.connect();
    return device;
  }

  async close(device: Device): Promise<void> {
    this.#devices.delete(device);
    await device.close();
  }

  /** Enrolled under a handle of its own unless it is of a known account. */
  async party(accountId?: AccountId): Promise<SdkParty> {
    const party = await SdkParty.create(accountId);
    this.#parties.push(party);
    if (accountId === undefined) this.server.directory.enrol(this.handle(), party);
    return party;
  }

  async sibling(of: SdkParty, deviceId: number): Promise<SdkParty> {
    const party = await of.sibling(deviceId);
    this.#parties.push(party);
    return party;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#devices].map((device) => device.close()));
    for (const party of this.#parties) await party.dispose();
    await this.server.stop();
    for (const directory of this.#directories) directory.remove();
  }
}

/** As a device of the SDK receives. */
export function receiveAs(party: SdkParty, items: readonly DeliverItem[], nowMs = Date.now()): Promise<Received> {
  return receive(party.store, party.address, items, nowMs);
}

export function textsOf(messages: readonly Pick<Message, 'content'>[]): readonly string[] {
  return messages.map(({ content }) => (content.type === 'text' ? content.text : `(${content.type})`));
}

/** Everything of that name that the device tells from now on. */
export function heard<Name extends keyof DeviceEvents>(device: Device, name: Name): DeviceEvents[Name][] {
  const events: DeviceEvents[Name][] = [];
  device.on(name, (event) => void events.push(event));
  return events;
}
