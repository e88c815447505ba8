import { setTimeout as sleep } from 'node:timers/promises';

import { groupMessage, type LoadGroup } from '../load/group-messages.js';
import { HerdDevice } from '../load/herd-device.js';
import { numberOf } from '../load/heliograph-wire.js';
import { inParallel } from '../load/in-parallel.js';
import { Link } from '../load/link.js';
import { Talk, type TalkFigures } from '../load/talk.js';
import { measureCpu, type CpuSpent } from '../process/measure-cpu.js';
import { percentile } from '../report/percentile.js';
import type { GroupTarget } from '../targets/target.js';

const talkers = 25;
const talkEveryMs = 500;
const membersOfGroup = 251;
const quietMs = 10_000;
const settleMs = 2_000;
const lookAgainMs = 500;
const rowsWithinMs = 300_000;
const counters = { inboxRows: 'heliograph_pipeline_inbox_rows_total', waves: 'heliograph_gateway_drain_waves_started_total' } as const;

export interface DrainPlan {
  /** At least so many come back; groups are full. */
  readonly devices: number;
  readonly messagesEach: number;
}

export interface DrainMeasurement {
  readonly target: string;
  readonly devices: number;
  readonly messagesEach: number;
  readonly waves: number;
  /** From the first connect until the last device had everything. */
  readonly tookMs: number;
  /** Of a device, from its welcome until it had everything. */
  readonly waitP50Ms: number;
  readonly waitP99Ms: number;
  readonly cpu: CpuSpent | undefined;
  /** Of others, who talk all the time. */
  readonly before: TalkFigures;
  readonly during: TalkFigures;
  readonly missing: number;
  readonly doubled: number;
  /** Devices that got something before what was sent before it. */
  readonly outOfOrder: number;
}

/** Fills the inboxes of devices that are away, lets all of them come back at once, and watches them get what waited. */
export async function measureDrains(target: GroupTarget, { devices: count, messagesEach }: DrainPlan): Promise<DrainMeasurement> {
  const counted = await target.counts(counters);
  const groups = await target.groups(Math.ceil(count / (membersOfGroup - 1)), membersOfGroup);
  const receivers = groups.flatMap((group) => group.receivers);
  await fillInboxes(target, groups, messagesEach);
  // That the group was made waits for each of them too.
  await untilRowsAre(counted.inboxRows + receivers.length * (messagesEach + 1), target);

  const talk = await Talk.open({ url: target.url, wire: target.wire, pairs: await target.pairs(talkers), bothEnds: true });
  talk.begin(talkEveryMs);
  await sleep(settleMs);
  const quietFromMs = performance.now();
  await sleep(quietMs);

  const got = receivers.map((): number[] => []);
  const devices = receivers.map((device, index) => new HerdDevice(device, index, (body) => got[index]?.push(numberOf(body))));
  const endCpu = measureCpu(target);
  const startedMs = performance.now();
  const waitsMs = await Promise.all(
    devices.map(async (device, index) => {
      await device.getIn(socketUrlOf(target, index));
      const welcomedMs = performance.now();
      await device.drained;
      return performance.now() - welcomedMs;
    }),
  );
  const endedMs = performance.now();
  const spent = endCpu();
  const { waves } = await target.counts(counters);
  const figures = {
    ...{ target: target.name, devices: receivers.length, messagesEach, waves: waves - counted.waves, tookMs: endedMs - startedMs },
    waitP50Ms: percentile(waitsMs, 0.5),
    waitP99Ms: percentile(waitsMs, 0.99),
    cpu: spent,
    before: talk.since(quietFromMs, startedMs),
    during: talk.since(startedMs, endedMs),
    missing: sum(got, (numbers) => messagesEach - new Set(numbers).size),
    doubled: sum(got, (numbers) => numbers.length - new Set(numbers).size),
    outOfOrder: got.filter((numbers) => [...new Set(numbers)].some((number, at, all) => number < (all[at - 1] ?? 0))).length,
  };
  await talk.close();
  for (const device of devices) device.leave();
  return figures;
}

/** Each group at a rate of its own: the next message when the one before is accepted. */
async function fillInboxes(target: GroupTarget, groups: readonly LoadGroup[], messagesEach: number): Promise<void> {
  await inParallel(groups, groups.length, async (group) => {
    let accepted: () => void = () => undefined;
    const ignored = () => undefined;
    const lost = (code: number | string): never => {
      throw new Error(`somebody who writes to a group was refused: ${code}`);
    };
    const events = { accepted: () => accepted(), delivered: ignored, receipted: ignored, refused: lost, lost };
    const link = new Link({ url: target.url, wire: target.wire, device: group.sender }, events);
    await link.opened;
    for (let number = 1; number <= messagesEach; number += 1) {
      const isAccepted = new Promise<void>((resolve) => {
        accepted = resolve;
      });
      link.send(groupMessage(group, number));
      await isAccepted;
    }
    await link.close();
  });
}

async function untilRowsAre(wanted: number, target: GroupTarget): Promise<void> {
  const untilMs = performance.now() + rowsWithinMs;
  for (;;) {
    const { inboxRows } = await target.counts(counters);
    if (inboxRows >= wanted) return;
    if (performance.now() > untilMs) throw new Error(`${wanted - inboxRows} inbox rows were not there after ${rowsWithinMs / 1_000} s`);
    await sleep(lookAgainMs);
  }
}

function socketUrlOf({ sessionHolders }: GroupTarget, index: number): string {
  return sessionHolders[index % sessionHolders.length]?.url ?? '';
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
