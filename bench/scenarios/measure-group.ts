import { build, type Histogram } from 'hdr-histogram-js';

import { groupMessage } from '../load/group-messages.js';
import { inParallel } from '../load/in-parallel.js';
import { Link } from '../load/link.js';
import type { GroupTarget } from '../targets/target.js';

const connectsAtOnce = 32;
const timeoutMs = 30_000;

export interface GroupPlan {
  readonly members: number;
  readonly warmUp: number;
  readonly messages: number;
}

/** What all processes of a server did for one message, on average. */
const counters = {
  lookups: 'heliograph_pipeline_route_lookups_total',
  frames: 'heliograph_pipeline_push_frames_total',
  historyRows: 'heliograph_pipeline_history_messages_total',
  inboxRows: 'heliograph_pipeline_inbox_rows_total',
  watermarks: 'heliograph_pipeline_watermarks_total',
} as const;
type Counted = Readonly<Record<keyof typeof counters, number>>;

/** Times in ms: until the server had it, until the last member had it, and until the sender knew that of every member. */
export const groupStages = ['accepted', 'delivered', 'receipted'] as const;
export type GroupStage = (typeof groupStages)[number];

export interface GroupMeasurement {
  readonly target: string;
  readonly plan: GroupPlan;
  readonly latency: Readonly<Record<GroupStage, { readonly p50Ms: number; readonly p99Ms: number }>>;
  readonly each: Counted;
}

/** One message under way, until everybody has it and its sender knows. */
class Flight {
  readonly number: number;
  readonly done: Promise<void>;
  readonly tookMs: Partial<Record<GroupStage, number>> = {};
  readonly #startMs = performance.now();
  readonly #members: number;
  #position = Number.POSITIVE_INFINITY;
  #delivered = 0;
  readonly #receipts: number[] = [];
  #finish: () => void = () => undefined;

  constructor(number: number, members: number) {
    this.number = number;
    this.#members = members;
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  accepted(position: number): void {
    this.#position = position;
    this.#reached('accepted');
  }

  delivered(): void {
    this.#delivered += 1;
    if (this.#delivered === this.#members) this.#reached('delivered');
  }

  /** Receipts may come before the answer to the send. */
  receipted(position: number): void {
    this.#receipts.push(position);
    if (this.#isReceipted()) this.#reached('receipted');
  }

  #isReceipted(): boolean {
    return this.#receipts.filter((position) => position >= this.#position).length >= this.#members;
  }

  #reached(stage: GroupStage): void {
    this.tookMs[stage] ??= performance.now() - this.#startMs;
    if (stage === 'accepted' && this.#isReceipted()) this.#reached('receipted');
    if (groupStages.every((one) => this.tookMs[one] !== undefined)) this.#finish();
  }
}

/** One message after the other to a group whose members are all online. Rejects when one does not reach everybody. */
export async function measureGroup(target: GroupTarget, plan: GroupPlan): Promise<GroupMeasurement> {
  const [group] = await target.groups(1, plan.members);
  if (group === undefined) throw new RangeError('one group was asked for');
  let flight: Flight | undefined;
  const lost = (code: number | string): never => {
    throw new Error(`${target.name}: a session ended or was refused: ${code}`);
  };
  const events = {
    accepted: (number: number, position: number) => {
      if (flight?.number === number) flight.accepted(position);
    },
    delivered: (number: number) => {
      if (flight?.number === number) flight.delivered();
    },
    receipted: (position: number) => flight?.receipted(position),
    refused: lost,
    lost,
  };
  const [sender, ...receivers] = await inParallel([group.sender, ...group.receivers], connectsAtOnce, async (device) => {
    const link = new Link({ url: target.url, wire: target.wire, device }, events);
    await link.opened;
    return link;
  });
  if (sender === undefined) throw new RangeError('a group has a sender');
  const histograms = { accepted: build(), delivered: build(), receipted: build() };
  const send = async (number: number, into?: Record<GroupStage, Histogram>) => {
    flight = new Flight(number, group.receivers.length);
    sender.send(groupMessage(group, number));
    await inTime(flight, target.name);
    for (const stage of groupStages) into?.[stage].recordValue(Math.round((flight.tookMs[stage] ?? 0) * 1_000));
  };
  for (let number = 1; number <= plan.warmUp; number += 1) await send(number);
  const before = await target.counts(counters);
  for (let number = plan.warmUp + 1; number <= plan.warmUp + plan.messages; number += 1) await send(number, histograms);
  const after = await target.counts(counters);
  await Promise.all([sender, ...receivers].map((link) => link.close()));
  const each = (name: keyof Counted) => (after[name] - before[name]) / plan.messages;
  return {
    target: target.name,
    plan,
    latency: { accepted: summary(histograms.accepted), delivered: summary(histograms.delivered), receipted: summary(histograms.receipted) },
    each: {
      lookups: each('lookups'),
      frames: each('frames'),
      historyRows: each('historyRows'),
      inboxRows: each('inboxRows'),
      watermarks: each('watermarks'),
    },
  };
}

async function inTime(flight: Flight, name: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${name}: message ${flight.number} took more than ${timeoutMs} ms: ${JSON.stringify(flight.tookMs)}`));
    }, timeoutMs);
  });
  await Promise.race([flight.done, late]).finally(() => {
    clearTimeout(timer);
  });
}

function summary(histogram: Histogram) {
  return { p50Ms: histogram.getValueAtPercentile(50) / 1_000, p99Ms: histogram.getValueAtPercentile(99) / 1_000 };
}
