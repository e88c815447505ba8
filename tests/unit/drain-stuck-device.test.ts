import { describe, expect, test } from '@jest/globals';

import { drainDevice } from '../../activities/drain-device.js';
import { positionOf } from '../../core/position.js';
import type { InboxRow } from '../../ports/inbox.js';
import type { MessageId } from '../../protocol/ids.js';
import { DrainStage, type StageDevice } from '../support/drain-stage.js';

const drain = (stage: DrainStage, device: StageDevice) =>
  drainDevice(stage.dependencies, stage.target(device), new AbortController().signal, () => undefined);
const positions = (device: StageDevice) => device.items.map(({ position }) => position);

describe('a device that answers and does not ack', () => {
  test('an item that a device hangs at goes to quarantine, alone, and everything else arrives', async () => {
    const stage = new DrainStage();
    const { address } = stage.connect();
    const rows = Array.from({ length: 9 }, (_, index) => stage.stores.queue(address, { position: positionOf(1, index) }));
    const poison = rows[4] as InboxRow;
    const got: number[] = [];
    let connections = 0;
    const connectOnce = async (hangsAt: MessageId | undefined) => {
      const device = stage.connect(address, (connections += 1));
      device.hangsAt = hangsAt;
      let result = await stage.run(drain(stage, device));
      while (result.outcome === 'parked') {
        device.session?.heard();
        result = await stage.run(drain(stage, device));
      }
      got.push(...positions(device));
      return { outcome: result.outcome, device };
    };
    const outcomes: string[] = [];
    while (outcomes.at(-1) !== 'live') outcomes.push((await connectOnce(poison.messageId)).outcome);
    // Among others, alone, alone on another connection; then without it.
    expect(outcomes).toEqual(['gone', 'gone', 'gone', 'live']);
    expect(got).toEqual(rows.filter((row) => row !== poison).map(({ position }) => position));
    expect(stage.stores.left(address)).toEqual([poison]);

    const { device } = await connectOnce(undefined);
    const { conversationId, position, messageId } = poison;
    expect(device.frames).toContainEqual({
      ...{ type: 'gap', reason: 'quarantined', conversationId, from: position, to: position, messageIds: [messageId] },
    });
    // What is told of receipts before anything behind it is delivered, and again with each drain.
    const receipt = { conversationId, ...address, notify: [poison.sender.accountId] };
    expect(stage.stores.receipts).toEqual([1, 2].map(() => ({ ...receipt, except: [position] })));
    await stage.stores.suspicions.release(address, poison, 0);
    expect(await connectOnce(undefined)).toMatchObject({ outcome: 'live' });
    expect(got.at(-1)).toBe(position);
    expect(stage.stores.receipts.slice(2)).toEqual([{ ...receipt, arrived: [position] }]);
    expect(stage.stores.left(address)).toEqual([]);
    expect(stage.stores.suspicions.suspects(address).filter(({ state }) => state !== 'suspected')).toEqual([]);
  });

  test('a device that hangs for another reason keeps what it is behind with, and loses nothing', async () => {
    const stage = new DrainStage();
    const { address } = stage.connect();
    const rows = Array.from({ length: 3 }, (_, index) => stage.stores.queue(address, { position: positionOf(1, index) }));
    const hanging = stage.connect(address, 1);
    hanging.acks = false;
    expect((await stage.run(drain(stage, hanging))).outcome).toBe('parked');
    hanging.session?.heard();
    expect((await stage.run(drain(stage, hanging))).outcome).toBe('gone');
    expect(hanging.closed).toBe('internal');
    const well = stage.connect(address, 2);
    expect(await stage.run(drain(stage, well))).toEqual({ outcome: 'live', rows: 3 });
    expect(positions(well)).toEqual(rows.map(({ position }) => position));
  });

  test('keeps what is in quarantine when all around it is removed', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    const rows = Array.from({ length: 9 }, (_, index) => stage.stores.queue(device.address, { position: positionOf(1, index) }));
    const kept = rows.slice(3, 5);
    for (const row of kept) {
      for (const connection of [1, 2]) await stage.stores.suspicions.suspect(device.address, [row], { connection, nowMs: 0, alone: true });
    }
    expect(await stage.run(drain(stage, device))).toEqual({ outcome: 'live', rows: 7 });
    expect(stage.stores.left(device.address)).toEqual(kept);
  });
});
