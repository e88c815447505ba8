import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Registry } from 'prom-client';

import { createMemoryHeads } from '../../adapters/memory/heads.js';
import { createLmdbHistory } from '../../adapters/lmdb/lmdb-history.js';
import { createSystemClock } from '../../adapters/system/system-clock.js';
import { ChannelHub } from '../../gateway/channels/channel-hub.js';
import { LogCatchUp } from '../../gateway/log-catch-up.js';
import { startHistoryWriter } from '../../pipeline/history-writer/history-writer.js';
import type { Consumer, EventLog } from '../../ports/event-log.js';
import type { Heads } from '../../ports/heads.js';
import type { AccountId, ConversationId } from '../../protocol/ids.js';
import { encodeMessageRecord } from '../../protocol/log-records.js';
import type { ServerFrame } from '../../protocol/server-frames.js';
import { positionOf } from '../../core/position.js';
import { createChannelEvents } from '../../telemetry/channel-events.js';
import { createPipelineEvents } from '../../telemetry/pipeline-events.js';
import { eventually } from '../support/eventually.js';
import { deviceNumber, newAccountId, newChannelId, newMessageId } from '../support/ids.js';
import { openLmdbStore } from '../support/lmdb.js';

const epoch = 1;
const yearMs = 365 * 24 * 3_600_000;
const clock = createSystemClock();

let under: ReturnType<typeof openLmdbStore>;
let eventLog: EventLog;
let writer: Consumer;
let heads: LossyHeads;
let hub: ChannelHub;
let stop: AbortController;
/** Who is in which channel. */
let members: Map<ConversationId, Set<AccountId>>;

/** Loses everything while it is told to, as Redis does while it is away. */
class LossyHeads implements Heads {
  lost = false;
  resumed: () => void = () => undefined;
  readonly #heads = createMemoryHeads();
  readonly listen = this.#heads.listen;

  tell: Heads['tell'] = (told) => (this.lost ? Promise.resolve() : this.#heads.tell(told));

  onResumed(listener: () => void): void {
    this.resumed = listener;
  }
}

class Watching {
  readonly device = { accountId: newAccountId(), deviceId: deviceNumber(1) };
  state = 'live';
  readonly told: number[] = [];
  readonly left: ConversationId[] = [];

  send(frame: ServerFrame): void {
    if (frame.type === 'channel.head') this.told.push(frame.position);
    if (frame.type === 'channel.left') this.left.push(frame.conversationId);
  }
}

beforeEach(async () => {
  under = openLmdbStore();
  eventLog = await under.openLog();
  const history = createLmdbHistory(under.store, { clock, maxAgeMs: yearMs, indexMaxAgeMs: yearMs });
  heads = new LossyHeads();
  members = new Map();
  writer = await startHistoryWriter({ eventLog, history, heads, events: createPipelineEvents(pino({ level: 'silent' }), new Registry()), epoch });
  hub = new ChannelHub({
    ...{ history, heads, clock, events: createChannelEvents(new Registry()) },
    channels: { roles: (account, ids) => Promise.resolve(ids.map((id) => (members.get(id)?.has(account) === true ? 'member' : undefined))) },
    historyCatchUp: new LogCatchUp(eventLog, clock, { topic: 'messages', group: 'history-writer' }),
  });
  stop = new AbortController();
  void hub.run(stop.signal);
});
afterEach(async () => {
  stop.abort();
  await writer.close();
  await eventLog.close();
  await under.dispose();
});

function channel(...of: Watching[]): ConversationId {
  const conversationId = newChannelId();
  members.set(conversationId, new Set(of.map(({ device }) => device.accountId)));
  return conversationId;
}

async function post(conversationId: ConversationId): Promise<number> {
  const sender = { accountId: newAccountId(), deviceId: deviceNumber(1) };
  const record = { messageId: newMessageId(), conversationId, kind: 'message', sender, attempt: 1, envelopes: [], body: Buffer.from('x') } as const;
  const [appended] = await eventLog.append('messages', [{ key: conversationId, value: encodeMessageRecord(record) }]);
  return positionOf(epoch, appended?.offset ?? -1);
}

describe('watching channels', () => {
  test('is answered with the head that history is complete up to, and told what comes behind it, seldom', async () => {
    const session = new Watching();
    const conversationId = channel(session);
    const first = await post(conversationId);
    expect(await hub.watch(session, [conversationId])).toEqual([{ conversationId, position: first }]);
    const beganMs = Date.now();
    let last = first;
    for (let count = 0; count < 300; count += 1) last = await post(conversationId);
    await eventually(() => expect(session.told.at(-1)).toBe(last));
    expect(session.told.length).toBeLessThanOrEqual(2 + ((Date.now() - beganMs) / 1_000) * 5);
    expect(session.told).not.toContain(first);
  });

  test('finds what was lost when heads are heard again', async () => {
    const session = new Watching();
    const conversationId = channel(session);
    expect(await hub.watch(session, [conversationId])).toEqual([]);
    heads.lost = true;
    const position = await post(conversationId);
    expect(await hub.watch(new Watching(), [])).toEqual([]);
    heads.lost = false;
    await eventually(() => {
      heads.resumed();
      expect(session.told).toEqual([position]);
    });
  });

  test('is for members, all of what was asked or nothing, and ends with the membership and the session', async () => {
    const [session, other] = [new Watching(), new Watching()];
    const [own, strange] = [channel(session, other), channel(other)];
    await expect(hub.watch(session, [own, strange])).rejects.toMatchObject({ code: 'not_a_member', detail: { conversationId: strange } });
    expect(hub.size).toBe(0);
    await hub.watch(session, [own]);
    await hub.watch(other, [own, strange]);
    expect(hub.size).toBe(3);
    await hub.watch(other, [strange]);
    hub.memberLeft(own, session.device.accountId);
    expect(hub.size).toBe(1);
    await post(own);
    const position = await post(strange);
    await eventually(() => expect(other.told).toEqual([position]));
    expect(session.told).toEqual([]);
    expect([session.left, other.left]).toEqual([[own], []]);
    hub.left(other);
    expect(hub.size).toBe(0);
    other.state = 'closed';
    await hub.watch(other, [strange]);
    expect(hub.size).toBe(0);
  });
});
