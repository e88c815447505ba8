/* eslint-disable max-lines -- one script: what happens next depends on all that happened before */
import { Chance } from './chance.js';
import { Company, type Member } from './company.js';
import type { ConversationOfScript, DeviceOfScript, Name, Script, Step, StepAction, Wish } from './script.js';

const accountCount = 10;
const deviceCount = 22;
const linkedBefore = 6;
const hostCount = 4;
const directCount = 5;
const groupSizes = [6, 4];
const channelSizes = [7, 5];
const sayings = 200;
const longestPauseMs = 90;
const fleetingSeconds = 2;
const lastingSeconds = 3_600;

/** How many of each there are, spread over the sayings. */
const incidents = {
  crash: 2,
  kill: 2,
  close: 7,
  unlink: 2,
  link: deviceCount - accountCount - linkedBefore,
  add: 10,
  remove: 7,
  leave: 3,
  role: 10,
  rule: 2,
  read: 16,
} as const;
type Incident = keyof typeof incidents;

const wishes: readonly (readonly [Wish, number])[] = [
  ['text', 50],
  ['reply', 10],
  ['edit', 12],
  ['delete', 10],
  ['reaction', 18],
];

/** The script of a seed: always the same one. */
export function writeScript(seed: number): Script {
  return new ScriptWriter(seed).write();
}

class ScriptWriter {
  readonly #seed: number;
  readonly #chance: Chance;
  readonly #company: Company;
  readonly #devices: readonly DeviceOfScript[];
  readonly #conversations: readonly ConversationOfScript[];
  readonly #steps: Step[] = [];
  /** What comes back, and after how many more steps. */
  #returns: { readonly atStep: number; readonly action: StepAction }[] = [];

  constructor(seed: number) {
    this.#seed = seed;
    this.#chance = new Chance(seed);
    const accounts = Array.from({ length: accountCount }, (_, index) => `a${index}`);
    const hosts = Array.from({ length: hostCount }, (_, index) => `h${index}`);
    this.#company = new Company(accounts, hosts);
    this.#devices = this.#firstDevices();
    this.#conversations = [...this.#directs(), ...this.#several('group', groupSizes), ...this.#several('channel', channelSizes)];
    for (const conversation of this.#conversations) this.#company.conversation(conversation);
  }

  write(): Script {
    const { accounts, hosts } = this.#company;
    const waiting = this.#chance.shuffled((Object.keys(incidents) as Incident[]).flatMap((kind) => Array<Incident>(incidents[kind]).fill(kind)));
    const everySayings = sayings / waiting.length;
    for (let said = 0; said < sayings; said += 1) {
      this.#comeBack();
      this.#say();
      while (waiting.length > 0 && said >= (incidentCount - waiting.length) * everySayings) this.#happen(waiting.shift() as Incident);
    }
    // Processes first: devices are opened in them.
    const last = this.#returns.splice(0).map(({ action }) => action);
    for (const action of [...last.filter((of) => of.do === 'return'), ...last.filter((of) => of.do !== 'return')]) this.#backAgain(action);
    while (this.#deviceCount() < deviceCount) this.#happen('link');
    return { seed: this.#seed, accounts, hosts, devices: this.#devices, conversations: this.#conversations, steps: this.#steps };
  }

  #firstDevices(): readonly DeviceOfScript[] {
    const { accounts, hosts } = this.#company;
    const made: DeviceOfScript[] = [];
    const make = (account: Name) => {
      const device = { name: this.#company.nextDeviceOf(account), account, host: hosts[made.length % hosts.length] ?? '' };
      made.push(device);
      this.#company.device(device);
    };
    accounts.forEach(make);
    for (let count = 0; count < linkedBefore; count += 1) make(this.#chance.one(this.#company.withRoom()));
    return made;
  }

  #directs(): ConversationOfScript[] {
    const { accounts } = this.#company;
    const pairs = accounts.flatMap((one, index) => accounts.slice(index + 1).map((other): readonly [Name, Name] => [one, other]));
    return this.#chance
      .shuffled(pairs)
      .slice(0, directCount)
      .map((members, index) => ({ kind: 'direct', name: `d${index}`, members }));
  }

  #several(kind: 'group' | 'channel', sizes: readonly number[]): ConversationOfScript[] {
    return sizes.map((size, index) => ({
      kind,
      name: `${kind === 'group' ? 'g' : 'c'}${index}`,
      members: this.#chance.shuffled(this.#company.accounts).slice(0, size),
    }));
  }

  #deviceCount(): number {
    return this.#devices.length + this.#steps.filter((step) => step.do === 'link').length;
  }

  #say(): void {
    const conversation = this.#chance.one(this.#conversations);
    const former = this.#company.formerOf(conversation.name);
    // Now and then somebody who was removed tries.
    const asFormer = former.length > 0 && this.#chance.random() < 0.1;
    const devices = this.#company.openOf(asFormer ? former : this.#writersOf(conversation));
    const device = this.#chance.maybe(devices);
    if (device === undefined) return;
    const wish = asFormer ? 'text' : this.#chance.weighted(wishes);
    const lastsSeconds = wish === 'text' && this.#chance.random() < 0.12 ? fleetingSeconds : undefined;
    this.#step({ do: 'say', device, conversation: conversation.name, wish, pick: this.#chance.random(), lastsSeconds });
  }

  #writersOf({ kind, name }: ConversationOfScript): readonly Name[] {
    return kind === 'channel' ? this.#company.staffOf(name) : this.#company.accountsIn(name);
  }

  /** One that cannot happen now does not, except for a link. */
  #happen(incident: Incident): void {
    switch (incident) {
      case 'crash':
        return this.#step({ do: 'crash', pick: this.#chance.random(), downMs: Math.round(this.#chance.random() * 1_500) });
      case 'kill':
        return this.#kill();
      case 'close':
        return this.#close();
      case 'link':
        return this.#link();
      case 'unlink':
        return this.#unlink();
      case 'read':
      case 'rule':
        return this.#ofDevice(incident);
      case 'add':
      case 'remove':
      case 'leave':
      case 'role':
        return this.#change(incident);
    }
  }

  #kill(): void {
    const host = this.#chance.maybe(this.#company.hosts.filter((of) => this.#company.openIn(of).length > 0));
    if (host === undefined) return;
    const devices = this.#company.openIn(host);
    const others = this.#company.othersIn(host);
    this.#step({ do: 'kill', host, devices, others });
    this.#company.move(devices, 'killed');
    this.#returnLater({ do: 'return', host, devices, others });
  }

  #close(): void {
    const device = this.#chance.maybe(this.#company.openOf(this.#company.accounts));
    if (device === undefined) return;
    this.#step({ do: 'close', device });
    this.#company.move([device], 'closed');
    this.#returnLater({ do: 'open', device, host: this.#company.hostOf(device) });
  }

  #link(): void {
    const by = this.#chance.maybe(this.#company.openOf(this.#company.withRoom()));
    const hosts = this.#company.hosts.filter((host) => !this.#isKilled(host));
    const host = this.#chance.maybe(hosts);
    if (by === undefined || host === undefined) {
      this.#returnLater({ do: 'link', device: '', by: '', host: '' });
      return;
    }
    const account = this.#company.accountOf(by);
    const device = this.#company.nextDeviceOf(account);
    this.#step({ do: 'link', device, by, host });
    this.#company.device({ name: device, account, host });
  }

  #isKilled(host: Name): boolean {
    return this.#returns.some(({ action }) => action.do === 'return' && action.host === host);
  }

  #unlink(): void {
    const several = this.#company.accounts.filter((account) => this.#company.openOf([account]).length > 1);
    const account = this.#chance.maybe(several);
    if (account === undefined) return;
    const [device, by] = this.#chance.shuffled(this.#company.openOf([account]));
    if (device === undefined || by === undefined) return;
    this.#step({ do: 'unlink', device, by });
    this.#company.move([device], 'unlinked');
  }

  #ofDevice(what: 'read' | 'rule'): void {
    const chosen = this.#chance.one(this.#conversations);
    const conversation = chosen.name;
    const accounts = what === 'read' ? this.#company.accountsIn(conversation) : this.#writersOf(chosen);
    const device = this.#chance.maybe(this.#company.openOf(accounts));
    if (device === undefined) return;
    if (what === 'read') return this.#step({ do: 'read', device, conversation });
    this.#step({ do: 'rule', device, conversation, seconds: this.#chance.random() < 0.6 ? lastingSeconds : undefined });
  }

  #change(what: 'add' | 'remove' | 'leave' | 'role'): void {
    const { kind, name: conversation } = this.#chance.one(this.#conversations.filter((of) => of.kind !== 'direct'));
    if (what === 'add') return kind === 'channel' ? this.#join(conversation) : this.#add(conversation);
    if (what === 'remove') return this.#remove(conversation);
    return what === 'leave' ? this.#leave(conversation) : this.#role(conversation);
  }

  #add(conversation: Name): void {
    const inIt = this.#company.accountsIn(conversation);
    const account = this.#chance.maybe(this.#company.accounts.filter((of) => !inIt.includes(of)));
    const device = this.#chance.maybe(this.#company.openOf(this.#company.above(conversation, 'member')));
    if (account === undefined || device === undefined) return;
    this.#step({ do: 'add', conversation, device, account });
    this.#company.add(conversation, account);
  }

  #join(conversation: Name): void {
    const inIt = this.#company.accountsIn(conversation);
    const device = this.#chance.maybe(this.#company.openOf(this.#company.accounts.filter((of) => !inIt.includes(of))));
    const by = this.#chance.maybe(this.#company.openOf(this.#company.staffOf(conversation)));
    if (device === undefined || by === undefined) return;
    this.#step({ do: 'join', conversation, device, by });
    this.#company.add(conversation, this.#company.accountOf(device));
  }

  #remove(conversation: Name): void {
    const target = this.#whoMayGo(conversation);
    if (target === undefined) return;
    const device = this.#chance.maybe(
      this.#company.openOf(this.#company.above(conversation, target.role).filter((account) => account !== target.account)),
    );
    if (device === undefined) return;
    const { account } = target;
    this.#step({ do: 'remove', conversation, device, account, leaving: this.#company.devicesOf(account) });
    this.#company.remove(conversation, account);
  }

  /** An owner stays: who is the next one depends on when people came. */
  #whoMayGo(conversation: Name): Member | undefined {
    const members = this.#company.members(conversation);
    const fitting = members.filter(({ account, role }) => role !== 'owner' && this.#company.isWholly(account, 'open'));
    return members.length < 3 ? undefined : this.#chance.maybe(fitting);
  }

  #leave(conversation: Name): void {
    const account = this.#whoMayGo(conversation)?.account;
    if (account === undefined) return;
    const leaving = this.#company.devicesOf(account);
    this.#step({ do: 'leave', conversation, device: this.#chance.one(leaving), leaving });
    this.#company.remove(conversation, account);
  }

  #role(conversation: Name): void {
    const target = this.#chance.maybe(this.#company.members(conversation).filter(({ role }) => role !== 'owner'));
    if (target === undefined) return;
    const device = this.#chance.maybe(
      this.#company.openOf(this.#company.above(conversation, target.role).filter((account) => account !== target.account)),
    );
    if (device === undefined) return;
    const actor = this.#company.members(conversation).find(({ account }) => account === this.#company.accountOf(device));
    const given = actor?.role === 'owner' && this.#chance.random() < 0.25;
    const role = given ? 'owner' : target.role === 'admin' ? 'member' : 'admin';
    // What a channel's admin said before stays in it, as what a member of a group said.
    const isSilenced = role === 'member' && this.#conversations.some(({ kind, name }) => kind === 'channel' && name === conversation);
    if (isSilenced && !this.#company.isWholly(target.account, 'open')) return;
    const leaving = isSilenced ? this.#company.devicesOf(target.account) : [];
    this.#step({ do: 'role', conversation, device, account: target.account, role, leaving });
    this.#company.setRole(conversation, target.account, role);
  }

  #returnLater(action: StepAction): void {
    this.#returns.push({ atStep: this.#steps.length + 8 + Math.floor(this.#chance.random() * 40), action });
  }

  #comeBack(): void {
    const due = this.#returns.filter(({ atStep }) => atStep <= this.#steps.length);
    this.#returns = this.#returns.filter(({ atStep }) => atStep > this.#steps.length);
    for (const { action } of due) this.#backAgain(action);
  }

  #backAgain(action: StepAction): void {
    if (action.do === 'link') return this.#link();
    if (action.do === 'open' && this.#isKilled(action.host)) return this.#returnLater(action);
    this.#step(action);
    if (action.do === 'open') this.#company.move([action.device], 'open');
    if (action.do === 'return') this.#company.move(action.devices, 'open');
  }

  #step(action: StepAction): void {
    this.#steps.push({ ...action, afterMs: Math.round(this.#chance.random() ** 2 * longestPauseMs) });
  }
}

const incidentCount = Object.values(incidents).reduce((sum, count) => sum + count, 0);
