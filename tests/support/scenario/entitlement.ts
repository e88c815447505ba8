import type { Changed, KnownDevice, Record, Window } from './record.js';
import type { Name } from './script.js';
import { bothOf, Timeline, type Certainty } from './timeline.js';

const atTheEnd = { fromMs: Infinity, toMs: Infinity };
/** What is posted in a channel can be read once it is durable, a moment after the time that it carries: longer where others use the disk. */
const readableWithinMs = 1_000;

/** Who was to get what: the devices of those who are in a conversation, at the moment when something is accepted. Channels are read, by members, whenever it was posted. */
export class Entitlement {
  readonly #linked = new Map<Name, Timeline>();
  readonly #devices: ReadonlyMap<Name, KnownDevice>;
  /** Key: conversation, account. */
  readonly #members = new Map<string, Timeline>();
  /** Who may write in a channel; the same key. */
  readonly #staff = new Map<string, Timeline>();
  /** The last time that somebody went; the same key. */
  readonly #departures = new Map<string, Window>();

  constructor({ conversations, devices, changes }: Pick<Record, 'conversations' | 'devices' | 'changes'>) {
    this.#devices = new Map(devices.map((device) => [device.name, device]));
    for (const { name, linked, unlinked } of devices) {
      const timeline = new Timeline(linked === undefined);
      if (linked !== undefined) timeline.turn(true, linked);
      if (unlinked !== undefined) timeline.turn(false, unlinked);
      this.#linked.set(name, timeline);
    }
    for (const { kind, name, members } of conversations) {
      for (const account of new Set(devices.map((device) => device.account))) {
        this.#members.set(keyOf(name, account), new Timeline(members.includes(account)));
        if (kind === 'channel') this.#staff.set(keyOf(name, account), new Timeline(members[0] === account));
      }
    }
    for (const change of changes) this.#change(change);
  }

  #change({ conversation, change, ...window }: Changed): void {
    const turn = (account: Name, value: boolean) => this.#members.get(keyOf(conversation, account))?.turn(value, window);
    const turnStaff = (account: Name, value: boolean) => this.#staff.get(keyOf(conversation, account))?.turn(value, window);
    if (change.type === 'members-added') for (const account of change.members) turn(account, true);
    if (change.type === 'member-joined') turn(change.member, true);
    if (change.type === 'role-changed') turnStaff(change.member, change.role !== 'member');
    if (change.type !== 'member-removed' && change.type !== 'member-left') return;
    turn(change.member, false);
    turnStaff(change.member, false);
    this.#departures.set(keyOf(conversation, change.member), window);
  }

  isLinked(device: Name, window: Window): Certainty {
    return this.#linked.get(device)?.at(window) ?? 'no';
  }

  isMember(conversation: Name, account: Name, window: Window): Certainty {
    return this.#members.get(keyOf(conversation, account))?.at(window) ?? 'no';
  }

  isChannel(conversation: Name): boolean {
    return [...this.#staff.keys()].some((key) => key.startsWith(keyOf(conversation, '')));
  }

  /** Whether the device could write. */
  writes(device: Name, conversation: Name, window: Window): Certainty {
    return bothOf(this.isLinked(device, window), this.mayWrite(conversation, this.accountOf(device), window));
  }

  mayWrite(conversation: Name, account: Name, window: Window): Certainty {
    return (this.#staff.get(keyOf(conversation, account)) ?? this.#members.get(keyOf(conversation, account)))?.at(window) ?? 'no';
  }

  /** Whether the device read what was posted in a channel then: all up to where its account went for the last time, or to where it was unlinked. */
  reads(device: Name, channel: Name, postedAtMs: number): Certainty {
    const { account = '', linked, unlinked = atTheEnd } = this.#devices.get(device) ?? {};
    const isIn = this.isMember(channel, account, atTheEnd) === 'yes';
    const until = isIn ? atTheEnd : this.#departures.get(keyOf(channel, account));
    if (until === undefined) return 'no';
    const wasThere = linked === undefined || linked.toMs < until.fromMs ? 'yes' : linked.fromMs > until.toMs ? 'no' : 'maybe';
    const before = ({ fromMs, toMs }: Window) => (postedAtMs + readableWithinMs < fromMs ? 'yes' : postedAtMs > toMs ? 'no' : 'maybe');
    return bothOf(wasThere, bothOf(before(until), before(unlinked)));
  }

  /** Whether the device was to get what was accepted in that window. */
  gets(device: Name, conversation: Name, window: Window): Certainty {
    return bothOf(this.isLinked(device, window), this.isMember(conversation, this.accountOf(device), window));
  }

  accountOf(device: Name): Name {
    return this.#devices.get(device)?.account ?? '';
  }
}

function keyOf(conversation: Name, account: Name): string {
  return `${conversation}/${account}`;
}
