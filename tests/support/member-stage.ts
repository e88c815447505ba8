import { RawMember } from './raw-group.js';
import { startPostgres, type TestPostgres } from './postgres.js';
import { RegisteredDevices } from './registered-devices.js';
import { TestServer } from './server.js';

/** A server on a PostgreSQL of its own, and devices by hand of accounts that are put into it. */
export class MemberStage {
  readonly server: TestServer;
  readonly registered: RegisteredDevices;
  readonly #postgres: TestPostgres;
  readonly #members: RawMember[] = [];

  private constructor(server: TestServer, postgres: TestPostgres) {
    this.server = server;
    this.#postgres = postgres;
    this.registered = new RegisteredDevices(server, postgres.url);
  }

  static async start(environment: Readonly<Record<string, string>> = {}): Promise<MemberStage> {
    const postgres = await startPostgres();
    const server = await TestServer.start({ environment: { ...environment, HELIOGRAPH_POSTGRES_URL: postgres.url } });
    return new MemberStage(server, postgres);
  }

  /** The devices of an account, not connected. */
  async account(deviceCount = 1): Promise<RawMember[]> {
    const made = (await this.registered.account(deviceCount)).devices.map((device) => new RawMember(this.server, device));
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

  async stop(): Promise<void> {
    await this.registered.close();
    await this.server.stop();
    await this.#postgres.stop();
  }
}
