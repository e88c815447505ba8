import { setTimeout as sleep } from 'node:timers/promises';

import { HerdDevice, type HerdRecord } from '../load/herd-device.js';
import { createHeliographWire, numberOf } from '../load/heliograph-wire.js';
import { inParallel } from '../load/in-parallel.js';
import { Talk, type TalkFigures } from '../load/talk.js';
import type { LoadDevice, LoadPair } from '../load/wire.js';
import type { HeliographCluster } from '../process/heliograph-cluster.js';

const [lostName, otherName] = ['gateway-1', 'gateway-2'] as const;
const connectsAtOnce = 64;
const talkEveryMs = 500;
const herdTalkEveryMs = 1_000;
const quietMs = 10_000;
/** Devices notice within this time that their gateway is gone: the SDK would wait for up to 30 s more, to spare the others. */
const noticedWithinMs = 1_000;
const settleMs = 5_000;
/** After the loss: the figures of others are those of this time, however long the herd takes. */
const stormMs = 60_000;

export interface StormPlan {
  readonly cluster: HeliographCluster;
  /** On the gateway that is lost. */
  readonly herd: readonly LoadDevice[];
  /** Of whom one end is in the herd. */
  readonly toHerd: readonly LoadPair[];
  /** Who talk through the other gateway all the time. */
  readonly bystanders: readonly LoadPair[];
}

export interface StormFigures {
  /** New sessions of the other gateway in its busiest second. */
  readonly peakPerSecond: number;
  readonly allBackMs: number;
  readonly allDrainedMs: number;
  /** Hellos for each device. */
  readonly helloesEach: number;
  readonly before: TalkFigures;
  readonly during: TalkFigures;
  readonly messages: number;
  readonly lost: number;
  /** Delivered more than once to a device. */
  readonly doubled: number;
}

/** Connects the herd to one gateway, kills that, and watches the herd come to the other one while others talk there. */
export async function runStorm({ cluster, herd, toHerd, bystanders }: StormPlan): Promise<StormFigures> {
  const [lostGateway, other] = [cluster.member(lostName), cluster.member(otherName)];
  const wire = createHeliographWire();
  const got = new Map<number, number[]>();
  const ofPair = new Map(toHerd.map(({ receiver }, index) => [receiver.accountId, index]));
  const devices = herd.map((device, index) => {
    const pair = ofPair.get(device.accountId);
    return new HerdDevice(device, index, (body) => {
      if (pair !== undefined) got.set(pair, [...(got.get(pair) ?? []), numberOf(body)]);
    });
  });
  await inParallel(devices, connectsAtOnce, (device) => device.getIn(lostGateway.socketUrl));
  const talk = await Talk.open({ url: other.socketUrl, wire, pairs: bystanders, bothEnds: true });
  const talkToHerd = await Talk.open({ url: other.socketUrl, wire, pairs: toHerd, bothEnds: false });
  talk.begin(talkEveryMs);
  talkToHerd.begin(herdTalkEveryMs);
  await sleep(settleMs);
  const quietFrom = performance.now();
  await sleep(quietMs);

  const killedMs = performance.now();
  const killedAtMs = Date.now();
  await lostGateway.kill();
  const records = await Promise.all(devices.map((device) => comeBack(device, other.socketUrl)));
  const backMs = performance.now();
  await Promise.all(devices.map((device) => device.drained));
  const drainedMs = performance.now();
  talkToHerd.end();
  await sleep(Math.max(settleMs, killedMs + stormMs - performance.now()));
  const accepted = [...talkToHerd.accepted].map(([pair, numbers]) => ({ numbers, got: got.get(pair) ?? [] }));
  const figures = {
    peakPerSecond: peakOf(records.map(({ welcomedAtMs }) => welcomedAtMs - killedAtMs)),
    allBackMs: backMs - killedMs,
    allDrainedMs: drainedMs - killedMs,
    helloesEach: records.reduce((sum, { waitsMs, latecomings }) => sum + 1 + waitsMs.length + latecomings, 0) / records.length,
    before: talk.since(quietFrom, killedMs),
    during: talk.since(killedMs, killedMs + stormMs),
    messages: accepted.reduce((sum, { numbers }) => sum + numbers.size, 0),
    lost: accepted.reduce((sum, { numbers, got: arrived }) => sum + [...numbers].filter((number) => !arrived.includes(number)).length, 0),
    doubled: accepted.reduce((sum, { got: arrived }) => sum + arrived.length - new Set(arrived).size, 0),
  };
  await Promise.all([talk.close(), talkToHerd.close()]);
  for (const device of devices) device.leave();
  return figures;
}

async function comeBack(device: HerdDevice, url: string): Promise<HerdRecord> {
  await device.lost;
  await sleep(Math.random() * noticedWithinMs);
  return device.getIn(url);
}

function peakOf(timesMs: readonly number[]): number {
  const sorted = timesMs.toSorted((one, other) => one - other);
  let from = 0;
  let peak = 0;
  for (const [index, timeMs] of sorted.entries()) {
    while (timeMs - (sorted[from] ?? 0) >= 1_000) from += 1;
    peak = Math.max(peak, index - from + 1);
  }
  return peak;
}
