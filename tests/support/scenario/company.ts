import type { MemberRole } from '../../../protocol/conversation-event.js';
import type { ConversationOfScript, DeviceOfScript, Name } from './script.js';

export interface Member {
  readonly account: Name;
  readonly role: MemberRole;
}

type Whereabouts = 'open' | 'closed' | 'killed' | 'unlinked';

const mostDevices = 5;
const rank: Readonly<Record<MemberRole, number>> = { owner: 2, admin: 1, member: 0 };

/** Who is where while a script is written: as it will be when the step is played. */
export class Company {
  readonly accounts: readonly Name[];
  readonly hosts: readonly Name[];
  readonly #devices = new Map<Name, DeviceOfScript & { whereabouts: Whereabouts }>();
  readonly #members = new Map<Name, readonly Member[]>();
  readonly #former = new Map<Name, Set<Name>>();

  constructor(accounts: readonly Name[], hosts: readonly Name[]) {
    this.accounts = accounts;
    this.hosts = hosts;
  }

  device(device: DeviceOfScript): void {
    this.#devices.set(device.name, { ...device, whereabouts: 'open' });
  }

  conversation({ kind, name, members }: ConversationOfScript): void {
    this.#members.set(
      name,
      members.map((account, index) => ({ account, role: kind !== 'direct' && index === 0 ? 'owner' : 'member' })),
    );
    this.#former.set(name, new Set());
  }

  isAt(name: Name, ...places: readonly Whereabouts[]): boolean {
    const at = this.#devices.get(name)?.whereabouts;
    return at !== undefined && places.includes(at);
  }

  move(names: readonly Name[], whereabouts: Whereabouts): void {
    for (const name of names) {
      const device = this.#devices.get(name);
      if (device !== undefined) device.whereabouts = whereabouts;
    }
  }

  /** That were not unlinked. */
  devicesOf(account: Name): readonly Name[] {
    return this.#all(({ account: of, whereabouts }) => of === account && whereabouts !== 'unlinked');
  }

  openOf(accounts: readonly Name[]): readonly Name[] {
    return this.#all(({ account, whereabouts }) => accounts.includes(account) && whereabouts === 'open');
  }

  openIn(host: Name): readonly Name[] {
    return this.#all((device) => device.host === host && device.whereabouts === 'open');
  }

  othersIn(host: Name): readonly Name[] {
    return this.#all((device) => device.host === host && device.whereabouts !== 'open');
  }

  accountOf(device: Name): Name {
    return this.#devices.get(device)?.account ?? '';
  }

  hostOf(device: Name): Name {
    return this.#devices.get(device)?.host ?? '';
  }

  /** All of its devices are there. */
  isWholly(account: Name, whereabouts: Whereabouts): boolean {
    return this.devicesOf(account).every((device) => this.isAt(device, whereabouts));
  }

  /** Of all accounts that may have one more device. */
  withRoom(): readonly Name[] {
    const made = (account: Name) => this.#all((device) => device.account === account).length;
    return this.accounts.filter((account) => this.devicesOf(account).length < mostDevices && made(account) < mostDevices + 2);
  }

  nextDeviceOf(account: Name): Name {
    return `${account}.${this.#all((device) => device.account === account).length + 1}`;
  }

  members(conversation: Name): readonly Member[] {
    return this.#members.get(conversation) ?? [];
  }

  accountsIn(conversation: Name): readonly Name[] {
    return this.members(conversation).map(({ account }) => account);
  }

  /** The owner and the admins. */
  staffOf(conversation: Name): readonly Name[] {
    return this.above(conversation, 'member');
  }

  formerOf(conversation: Name): readonly Name[] {
    return [...(this.#former.get(conversation) ?? [])].filter((account) => !this.accountsIn(conversation).includes(account));
  }

  /** Who decides about a member of this role. */
  above(conversation: Name, role: MemberRole): readonly Name[] {
    const needed = Math.max(rank.admin, rank[role] + 1);
    return this.members(conversation)
      .filter((member) => rank[member.role] >= needed)
      .map(({ account }) => account);
  }

  add(conversation: Name, account: Name): void {
    this.#members.set(conversation, [...this.members(conversation), { account, role: 'member' }]);
  }

  remove(conversation: Name, account: Name): void {
    this.#former.get(conversation)?.add(account);
    this.#members.set(
      conversation,
      this.members(conversation).filter((member) => member.account !== account),
    );
  }

  setRole(conversation: Name, account: Name, role: MemberRole): void {
    this.#members.set(
      conversation,
      this.members(conversation).map((member) => {
        if (member.account === account) return { account, role };
        return role === 'owner' && member.role === 'owner' ? { ...member, role: 'admin' } : member;
      }),
    );
  }

  #all(fits: (device: DeviceOfScript & { readonly whereabouts: Whereabouts }) => boolean): Name[] {
    return [...this.#devices.values()].filter(fits).map(({ name }) => name);
  }
}
