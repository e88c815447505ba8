import { describe, expect, test } from '@jest/globals';

import { drainDevice } from '../../activities/drain-device.js';
import type { DrainResult } from '../../core/drain-plan.js';
import { positionOf } from '../../core/position.js';
import { encodings } from '../../protocol/encoding.js';
import { limits } from '../../protocol/limits.js';
import { conversationNumber, DrainStage, type StageDevice } from '../support/drain-stage.js';

const idle = () => undefined;

function drain(stage: DrainStage, device: StageDevice, signal = new AbortController().signal): Promise<DrainResult> {
  return drainDevice(stage.dependencies, stage.target(device), signal, idle);
}

const positions = (device: StageDevice) => device.items.map(({ position }) => position);

describe('draining a device', () => {
  test('brings every row with its body in order, deletes it and leaves the session live', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    const rows = Array.from({ length: 200 }, (_, index) =>
      stage.stores.queue(device.address, { position: positionOf(1, index), body: Buffer.from(`text ${index}`) }),
    );
    expect(await stage.run(drain(stage, device))).toEqual({ outcome: 'live', rows: 200 });
    expect(positions(device)).toEqual(rows.map(({ position }) => position));
    expect(device.items.map(({ body }) => Buffer.from(body ?? []).toString())).toEqual(rows.map((_, index) => `text ${index}`));
    expect(stage.stores.left(device.address)).toEqual([]);
    expect(device.session?.state).toBe('live');
    expect(device.frames.at(-1)).toEqual({ type: 'inbox.empty', drained: 200 });
  });

  test('sends keys without asking history, and events with what they tell', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    const content = Buffer.from('sealed');
    const told = Buffer.from('{}');
    stage.stores.queue(device.address, { kind: 'keys', body: 'none', envelope: { type: 3, content } });
    stage.stores.queue(device.address, { kind: 'event', body: told });
    expect(await stage.run(drain(stage, device))).toEqual({ outcome: 'live', rows: 2 });
    expect(device.items).toMatchObject([
      { kind: 'keys', envelope: { type: 3, content } },
      { kind: 'event', body: told },
    ]);
    expect(device.items[0]).not.toHaveProperty('body');
  });

  test('never makes a frame that is too large, in either encoding', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    for (let index = 0; index < 40; index += 1) {
      const content = new Uint8Array(index % 3 === 0 ? limits.maxEnvelopeBytes : 10);
      stage.stores.queue(device.address, {
        position: positionOf(1, index),
        envelope: { type: 1, content },
        body: new Uint8Array(limits.maxBodyBytes >> (index % 4)),
      });
    }
    expect(await stage.run(drain(stage, device))).toEqual({ outcome: 'live', rows: 40 });
    expect(positions(device)).toEqual(Array.from({ length: 40 }, (_, index) => positionOf(1, index)));
    for (const frame of device.frames) {
      expect(encodings.json.encode(frame).length).toBeLessThanOrEqual(limits.maxFrameBytes);
      expect(encodings.msgpack.encode(frame).length).toBeLessThanOrEqual(limits.maxFrameBytes);
    }
  });

  test('deletes a second position of a message unsent', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    stage.stores.queue(device.address, {});
    const alias = stage.stores.queue(device.address, {});
    stage.stores.storeAlias(alias);
    expect(await stage.run(drain(stage, device))).toEqual({ outcome: 'live', rows: 2 });
    expect(device.items).toHaveLength(1);
    expect(stage.stores.left(device.address)).toEqual([]);
  });

  test('announces a gap for a body that history lost, or whose time is over, and goes on', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    const first = stage.stores.queue(device.address, {});
    const lost = stage.stores.queue(device.address, { body: 'none' });
    const expired = stage.stores.queue(device.address, {});
    stage.stores.store(expired, { ttlSeconds: 1, acceptedAtMs: -2_000 });
    const last = stage.stores.queue(device.address, {});
    expect(await stage.run(drain(stage, device))).toEqual({ outcome: 'live', rows: 4 });
    expect(positions(device)).toEqual([first.position, last.position]);
    expect(device.frames.filter(({ type }) => type === 'gap')).toEqual([
      {
        type: 'gap',
        conversationId: lost.conversationId,
        reason: 'expired',
        from: lost.position,
        to: expired.position,
        messageIds: [lost.messageId, expired.messageId],
      },
    ]);
    expect(stage.events.gone).toBe(2);
  });

  test('a body written between the look into history and the look at its writer is not lost', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    const row = stage.stores.queue(device.address, { body: 'none' });
    stage.stores.passed = () => {
      stage.stores.store(row, { body: Buffer.from('just in time') });
      return true;
    };
    expect(await stage.run(drain(stage, device))).toEqual({ outcome: 'live', rows: 1 });
    expect(device.items).toHaveLength(1);
    expect(stage.events.gone).toBe(0);
  });

  test('a lagging body holds up only its own conversation, whose order stays', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    const [early, lagging, late] = [conversationNumber(1), conversationNumber(2), conversationNumber(3)];
    stage.stores.passed = () => false;
    stage.stores.queue(device.address, { conversationId: early, position: positionOf(1, 1) });
    stage.stores.queue(device.address, { conversationId: lagging, position: positionOf(1, 2) });
    const stuck = stage.stores.queue(device.address, { conversationId: lagging, position: positionOf(1, 3), body: 'none' });
    for (let index = 4; index < 150; index += 1) stage.stores.queue(device.address, { conversationId: lagging, position: positionOf(1, index) });
    stage.stores.queue(device.address, { conversationId: late, position: positionOf(1, 200) });
    stage.clock.after(3_000, () => stage.stores.store(stuck, { body: Buffer.from('late') }));
    const seenEarly: number[] = [];
    stage.clock.after(2_900, () => seenEarly.push(...positions(device)));
    expect(await stage.run(drain(stage, device))).toEqual({ outcome: 'live', rows: 150 });
    expect(seenEarly).toEqual([1, 2, 200].map((offset) => positionOf(1, offset)));
    const inLagging = device.items.filter(({ conversationId }) => conversationId === lagging).map(({ position }) => position);
    expect(inLagging).toEqual(Array.from({ length: 148 }, (_, index) => positionOf(1, index + 2)));
  });

  test('only waits while every body lags, and says so after 10 s', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    stage.stores.passed = () => false;
    stage.stores.queue(device.address, { body: 'none' });
    expect(await stage.run(drain(stage, device))).toEqual({ outcome: 'waiting', rows: 0 });
    expect(stage.clock.nowMs()).toBeGreaterThanOrEqual(10_000);
    expect(stage.clock.nowMs()).toBeLessThan(13_000);
    expect(stage.stores.left(device.address)).toHaveLength(1);
  });

  test('leaves the rest to a next round after 1,000 rows', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    for (let index = 0; index < 1_500; index += 1) stage.stores.queue(device.address, { position: positionOf(1, index) });
    const first = await stage.run(drain(stage, device));
    expect(first.outcome).toBe('unfinished');
    expect(first.rows).toBeGreaterThanOrEqual(1_000);
    const second = await stage.run(drain(stage, device));
    expect(second).toEqual({ outcome: 'live', rows: 1_500 - first.rows });
    expect(positions(device)).toEqual(Array.from({ length: 1_500 }, (_, index) => positionOf(1, index)));
  });

  test('is parked when the device does not ack, keeps the rows, and the next frame asks for a new drain', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    stage.stores.queue(device.address, {});
    device.acks = false;
    const parked = stage.target(device);
    expect(await stage.run(drain(stage, device))).toEqual({ outcome: 'parked', rows: 0 });
    expect(stage.stores.left(device.address)).toHaveLength(1);
    device.acks = true;
    device.session?.heard();
    expect(stage.target(device).request.token).toBeGreaterThan(parked.request.token);
    expect(await stage.run(drain(stage, device))).toEqual({ outcome: 'live', rows: 1 });
  });

  test('an older attempt is superseded by a newer one and deletes nothing', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    stage.stores.queue(device.address, {});
    device.acks = false;
    const older = drain(stage, device);
    const running = stage.run(older);
    device.acks = true;
    const newer = drain(stage, device);
    expect(await running).toEqual({ outcome: 'superseded', rows: 0 });
    expect(await newer).toEqual({ outcome: 'live', rows: 1 });
  });

  test('a token that is void since the session is live is superseded, a session that left is gone, no link is lost', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    expect(await stage.run(drain(stage, device))).toMatchObject({ outcome: 'live' });
    expect(await stage.run(drain(stage, device))).toMatchObject({ outcome: 'superseded' });
    device.session?.close('goingAway');
    expect(await stage.run(drain(stage, device))).toMatchObject({ outcome: 'gone' });
    stage.linkIsUp = false;
    expect(await stage.run(drain(stage, device))).toMatchObject({ outcome: 'lost' });
  });

  test('reads again after a nudge that came meanwhile', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    const { inbox } = stage.stores;
    let reads = 0;
    const dependencies = {
      ...stage.dependencies,
      inbox: {
        ...inbox,
        read: async (...args: Parameters<typeof inbox.read>) => {
          const page = await inbox.read(...args);
          reads += 1;
          if (reads === 1) {
            stage.stores.queue(device.address, {});
            device.session?.nudge('link-1', 0);
          }
          return page;
        },
      },
    };
    const result = drainDevice(dependencies, stage.target(device), new AbortController().signal, idle);
    expect(await stage.run(result)).toEqual({ outcome: 'live', rows: 1 });
    expect(device.items).toHaveLength(1);
  });

  test('serves a session without a lease and looks every 3 s until it is back', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    stage.leaseHeld = false;
    stage.stores.queue(device.address, {});
    stage.clock.after(5_000, () => {
      stage.leaseHeld = true;
    });
    expect(await stage.run(drain(stage, device))).toEqual({ outcome: 'live', rows: 1 });
    expect(stage.clock.nowMs()).toBeGreaterThanOrEqual(6_000);
  });

  test('fails while the inbox is away', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    stage.stores.queue(device.address, {});
    stage.stores.inboxIsAway = true;
    expect(await stage.run(drain(stage, device))).toEqual({ outcome: 'failed', rows: 0 });
    expect(stage.events.failures).toMatchObject([{ code: 'unavailable' }]);
  });

  test('a deletion that fails for a moment makes no duplicates', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    stage.stores.queue(device.address, {});
    stage.stores.removalsToFail = 5;
    expect(await stage.run(drain(stage, device))).toEqual({ outcome: 'live', rows: 1 });
    expect(device.items).toHaveLength(1);
  });

  test('called off while a page is un-acked, it throws the reason at once', async () => {
    const stage = new DrainStage();
    const device = stage.connect();
    stage.stores.queue(device.address, {});
    device.acks = false;
    const calledOff = new AbortController();
    stage.clock.after(1_000, () => {
      calledOff.abort(new Error('called off'));
    });
    await expect(stage.run(drain(stage, device, calledOff.signal))).rejects.toThrow('called off');
    expect(stage.clock.nowMs()).toBeLessThan(2_000);
  });
});
