import { beforeEach, describe, expect, test } from '@jest/globals';

import { Chain, type ChainDependencies, type InboxPathOutcome, type PushOrder } from '../../pipeline/delivery-router/chain.js';
import type { GatewayConnection } from '../../ports/gateway-link.js';
import type { DeviceSession } from '../../ports/session-registry.js';
import type { WakeUpCause } from '../../ports/wake-ups.js';
import type { ConversationId, DeviceId, MessageId } from '../../protocol/ids.js';
import { newDevice } from '../support/drain-fixtures.js';

const device = newDevice();
const connection = { gatewayId: 'g', linkId: 'link' } as GatewayConnection;
const session: DeviceSession = { deviceId: 1 as DeviceId, gatewayId: 'g', leaseEpoch: 1, sessionEpoch: 1 };
const newerSession: DeviceSession = { ...session, sessionEpoch: 2 };

let resolved: number[] = [];
let written: { readonly offsets: number[]; readonly wakeUp: WakeUpCause; readonly done: (outcome: InboxPathOutcome) => void }[] = [];

const dependencies: ChainDependencies = {
  resolved: ({ offset }) => resolved.push(offset),
  inboxPath: (_device, rows, _partition, wakeUp) =>
    new Promise((done) => written.push({ offsets: rows.map(({ position }) => position), wakeUp, done })),
  pushAnswered: () => undefined,
};

function take(chain: Chain, offset: number, to: DeviceSession | undefined): PushOrder | undefined {
  const conversationId = '00000000-0000-5000-8000-000000000001' as ConversationId;
  const row = {
    conversationId,
    position: offset,
    messageId: `m${offset}` as MessageId,
    kind: 'message',
    sender: device,
    acceptedAtMs: 0,
    queuedAtMs: 0,
  } as const;
  return chain.take({ offset, row }, to, to === undefined ? undefined : connection);
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const batches = () => written.map(({ offsets }) => offsets);

beforeEach(() => {
  resolved = [];
  written = [];
});

describe('a chain', () => {
  test('pushes without waiting for acks while the session stays the same', () => {
    const chain = new Chain(device, 0, dependencies);
    const orders = [take(chain, 1, session), take(chain, 2, session)];
    orders[1]?.answer('delivered');
    orders[0]?.answer('delivered');
    expect([resolved, batches(), chain.idle]).toEqual([[2, 1], [], true]);
  });

  test('writes a row only when every earlier item is acked or has its row', async () => {
    const chain = new Chain(device, 0, dependencies);
    const first = take(chain, 1, session);
    const second = take(chain, 2, session);
    second?.answer('refused');
    await settled();
    expect(batches()).toEqual([]);
    first?.answer('refused');
    await settled();
    expect(batches()).toEqual([[1, 2]]);
  });

  test('writes rows that only waited for a push once that push is acked', async () => {
    const chain = new Chain(device, 0, dependencies);
    const first = take(chain, 1, session);
    take(chain, 2, session)?.answer('refused');
    first?.answer('delivered');
    await settled();
    expect([resolved, batches()]).toEqual([[1], [[2]]]);
  });

  test('lets later items join the inbox path in one ordered batch', async () => {
    const chain = new Chain(device, 0, dependencies);
    take(chain, 1, undefined);
    take(chain, 2, session);
    take(chain, 3, undefined);
    written[0]?.done({ outcome: 'safe' });
    await settled();
    expect(batches()).toEqual([[1], [2, 3]]);
    written[1]?.done({ outcome: 'safe' });
    await settled();
    expect([resolved, chain.idle]).toEqual([[1, 2, 3], true]);
  });

  test('counts outstanding pushes as gone when a look-up answers another session', async () => {
    const chain = new Chain(device, 0, dependencies);
    const first = take(chain, 1, session);
    expect(take(chain, 2, newerSession)).toBeUndefined();
    await settled();
    written[0]?.done({ outcome: 'safe' });
    first?.answer('delivered');
    await settled();
    expect([batches(), resolved]).toEqual([[[1], [2]], [1]]);
  });

  test('takes a session’s stream number only from a nudge’s answer', async () => {
    const chain = new Chain(device, 0, dependencies);
    take(chain, 1, session)?.answer('refused');
    await settled();
    written.at(-1)?.done({ outcome: 'safe', learned: { key: 'link/1', stream: 7 } });
    await settled();
    expect([take(chain, 2, session)?.stream, take(chain, 3, newerSession)?.stream]).toEqual([7, undefined]);
  });

  test('gives a device whose session was lost time to come back, and wakes at once one that has none', async () => {
    const chain = new Chain(device, 0, dependencies);
    take(chain, 1, session)?.answer('gone');
    await settled();
    written[0]?.done({ outcome: 'safe' });
    await settled();
    take(chain, 2, undefined);
    expect(written.map(({ wakeUp }) => wakeUp)).toEqual(['unless-back', 'at-once']);
  });

  test('resolves nothing more when the process stops', async () => {
    const chain = new Chain(device, 0, dependencies);
    take(chain, 1, undefined);
    written[0]?.done({ outcome: 'stopped' });
    await settled();
    expect([resolved, chain.idle]).toEqual([[], false]);
  });
});
