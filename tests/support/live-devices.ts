import { randomUUID } from 'node:crypto';

import { openDevice, type Device, type DeviceOptions } from '../../sdk/index.js';
import { temporaryDirectory, type TemporaryDirectory } from './temporary-directory.js';

/** Quick to come back, so that tests are quick. */
const reconnect = { baseMs: 50, capMs: 500, spreadMs: 300 };

/** Devices of the SDK on a running server, connected, in directories that go with the test. */
export class LiveDevices {
  readonly #serverUrl: () => string;
  readonly #devices: Device[] = [];
  readonly #directories: TemporaryDirectory[] = [];
  readonly #suite = randomUUID().slice(0, 8);
  #people = 0;

  constructor(serverUrl: () => string) {
    this.#serverUrl = serverUrl;
  }

  directory(): string {
    const directory = temporaryDirectory();
    this.#directories.push(directory);
    return directory.path;
  }

  /** That nobody has yet, in no suite. */
  handle(): string {
    this.#people += 1;
    return `person-${this.#people}-${this.#suite}`;
  }

  open(directory: string, handle?: string): Promise<Device> {
    return this.#opened({ directory, handle });
  }

  /** A device that is there already, not connected; perhaps by another way to the server. */
  async reopenUnconnected(directory: string, server = this.#serverUrl()): Promise<Device> {
    return openDevice({ server, directory, reconnect });
  }

  /** A further device of somebody's account, without what was said before unless it is wanted. */
  async linked(to: Device, directory = this.directory(), { history = false }: { readonly history?: boolean } = {}): Promise<Device> {
    let answered: Promise<unknown> | undefined;
    const onCode = (code: string) => {
      answered = to.devices.link(code);
    };
    const device = await this.#opened({ directory, link: { onCode, history } });
    await answered;
    return device;
  }

  async #opened(options: Pick<DeviceOptions, 'directory' | 'handle' | 'link'>): Promise<Device> {
    const device = await openDevice({ server: this.#serverUrl(), reconnect, ...options });
    this.#devices.push(device);
    device.connect();
    return device;
  }

  async close(device: Device): Promise<void> {
    this.#devices.splice(this.#devices.indexOf(device), 1);
    await device.close();
  }

  /** All that are open, and what they kept. */
  async end(): Promise<void> {
    await Promise.all(this.#devices.splice(0).map((device) => device.close()));
    for (const directory of this.#directories.splice(0)) directory.remove();
  }
}
