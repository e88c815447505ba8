import type { MemberRole } from '../../../protocol/conversation-event.js';

/** Names of the script: accounts `a0`, devices `a0.1`, conversations `d0`, `g0` and `c0`, processes of devices `h0`. */
export type Name = string;

export interface DirectOfScript {
  readonly kind: 'direct';
  readonly name: Name;
  readonly members: readonly [Name, Name];
}

export interface GroupOfScript {
  readonly kind: 'group';
  readonly name: Name;
  /** The first makes it. */
  readonly members: readonly Name[];
}

export interface ChannelOfScript {
  readonly kind: 'channel';
  readonly name: Name;
  /** The first makes it, the others join. */
  readonly members: readonly Name[];
}

export type ConversationOfScript = DirectOfScript | GroupOfScript | ChannelOfScript;

export interface DeviceOfScript {
  readonly name: Name;
  readonly account: Name;
  /** The process it lives in. */
  readonly host: Name;
}

/** How something is said: on its own, or about one of the messages that the device shows then. */
export type Wish = 'text' | 'reply' | 'edit' | 'delete' | 'reaction';

interface OfDevice {
  readonly device: Name;
  readonly conversation: Name;
}

/** What needs the membership of an account to end, or that it posts in a channel: its devices settle before, and say a last thing while it happens. */
interface Ending {
  readonly leaving: readonly Name[];
}

interface OfHost {
  readonly host: Name;
  /** Those that are open. */
  readonly devices: readonly Name[];
  /** What else lives in it: unlinked, or closed. */
  readonly others: readonly Name[];
}

export type StepAction =
  /** `pick` in [0, 1): which of the messages that are fit. `lastsSeconds`: of one that disappears. */
  | ({ readonly do: 'say'; readonly wish: Wish; readonly pick: number; readonly lastsSeconds?: number | undefined } & OfDevice)
  /** What is said from then on stays so long; without `seconds` for ever. */
  | ({ readonly do: 'rule'; readonly seconds?: number | undefined } & OfDevice)
  | ({ readonly do: 'read' } & OfDevice)
  | ({ readonly do: 'add'; readonly account: Name } & OfDevice)
  /** Into a channel, by an invite of the device `by`. */
  | ({ readonly do: 'join'; readonly by: Name } & OfDevice)
  | ({ readonly do: 'remove'; readonly account: Name } & OfDevice & Ending)
  | ({ readonly do: 'leave' } & OfDevice & Ending)
  | ({ readonly do: 'role'; readonly account: Name; readonly role: MemberRole } & OfDevice & Ending)
  | { readonly do: 'link'; readonly device: Name; readonly by: Name; readonly host: Name }
  | { readonly do: 'unlink'; readonly device: Name; readonly by: Name }
  | { readonly do: 'close'; readonly device: Name }
  | { readonly do: 'open'; readonly device: Name; readonly host: Name }
  /** SIGKILL of a process with all devices in it, and its return with those that were open. */
  | ({ readonly do: 'kill' } & OfHost)
  | ({ readonly do: 'return' } & OfHost)
  /** SIGKILL of a process of the server, which returns after so long. `pick` in [0, 1): which one. */
  | { readonly do: 'crash'; readonly pick: number; readonly downMs: number };

export type Step = StepAction & {
  /** After the step before began. */
  readonly afterMs: number;
};

/** Everything that happens in a run. Steps begin in this order; one waits only for steps before it that use the same things (`usesOf`). */
export interface Script {
  readonly seed: number;
  readonly accounts: readonly Name[];
  readonly hosts: readonly Name[];
  /** Those that are there at the beginning: the first of each account, and linked ones. */
  readonly devices: readonly DeviceOfScript[];
  readonly conversations: readonly ConversationOfScript[];
  readonly steps: readonly Step[];
}

interface Uses {
  readonly device: Name;
  readonly by: Name;
  readonly host: Name;
  readonly conversation: Name;
  readonly devices: readonly Name[];
  readonly leaving: readonly Name[];
  readonly others: readonly Name[];
}

/** What a step has for itself alone: devices, processes, groups and channels that it changes. */
export function usesOf(step: Step): readonly Name[] {
  if (step.do === 'crash') return ['server'];
  const { device, by, host, conversation, devices = [], leaving = [], others = [] }: Partial<Uses> = step;
  const isChange = step.do === 'add' || step.do === 'join' || step.do === 'remove' || step.do === 'leave' || step.do === 'role';
  return [device, by, host, isChange ? conversation : undefined, ...devices, ...leaving, ...others].filter((name) => name !== undefined);
}
