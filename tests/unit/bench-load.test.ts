import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, describe, expect, test } from '@jest/globals';
import { WebSocketServer, type WebSocket } from 'ws';

import { generateLoad, type LoadShape } from '../../bench/load/generate-load.js';
import { openIdleSessions } from '../../bench/load/idle-sessions.js';
import { createRelayWire } from '../../bench/load/relay-wire.js';
import { startRelay } from '../../bench/targets/relay-target.js';
import type { Target } from '../../bench/targets/target.js';

const open: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function relay(): Promise<Target> {
  const target = await startRelay({ entry: 'bench/reference-relay.ts', nodeArgs: ['--import', 'tsx'] });
  open.push(() => target.stop());
  return target;
}

async function load({ url, wire, pairs }: Target, shape: LoadShape) {
  return generateLoad({ url, wire, pairs: await pairs(4), shape, warmUpMs: 200, measureMs: 1_000 });
}

describe('the load generator against the reference relay', () => {
  test('a closed loop brings every message through and ends with nothing under way', async () => {
    const report = await load(await relay(), { kind: 'closed', window: 3 });
    const { sent, accepted, delivered, receipted, duplicates, refused } = report.counts;
    expect({ accepted, delivered, receipted, duplicates, refused }).toEqual({
      accepted: sent,
      delivered: sent,
      receipted: sent,
      duplicates: 0,
      refused: {},
    });
    expect(report.unfinished).toBe(0);
    expect(report.exchanges).toBeGreaterThan(100);
    expect(report.exchanges).toBeLessThanOrEqual(sent);
    expect(report.latency.receipted.p50Ms).toBeGreaterThan(0);
  });

  test('an open loop sends at its rate', async () => {
    const report = await load(await relay(), { kind: 'open', perSecond: 200 });
    expect(report.exchangesPerSecond).toBeGreaterThan(180);
    expect(report.exchangesPerSecond).toBeLessThan(220);
    expect(report.unfinished).toBe(0);
  });

  test('idle sessions stay connected until they are closed', async () => {
    const target = await relay();
    const sessions = await openIdleSessions([target.url], target.wire, await target.devices(20));
    expect(sessions.lost()).toBe(0);
    await sessions.close();
    expect(sessions.lost()).toBe(0);
  });
});

/** Answers like the relay, but stands still for a while. */
async function stallingServer(stallMs: number): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  const sockets = new Map<string, WebSocket>();
  const peers = new Map<WebSocket, string>();
  let stalledUntil: Promise<unknown> = Promise.resolve();
  const timer = setTimeout(() => {
    stalledUntil = sleep(stallMs);
  }, 500);
  const answer = (socket: WebSocket, frame: Record<string, unknown>): void => {
    const peer = sockets.get(peers.get(socket) ?? '');
    if (frame['type'] === 'send') {
      socket.send(JSON.stringify({ type: 'accepted', id: frame['id'], position: frame['id'] }));
      peer?.send(JSON.stringify({ type: 'deliver', seq: frame['id'], body: frame['body'] }));
    }
    if (frame['type'] === 'ack') peer?.send(JSON.stringify({ type: 'receipts', deliveredPosition: frame['seq'] }));
  };
  server.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as Record<string, unknown>;
      if (frame['type'] === 'hello') {
        sockets.set(String(frame['accountId']), socket);
        peers.set(socket, String(frame['peerId']));
        socket.send('{"type":"welcome"}');
      } else void stalledUntil.then(() => answer(socket, frame));
    });
  });
  open.push(() => {
    clearTimeout(timer);
    return new Promise((resolve) => server.close(resolve));
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  return `ws://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`;
}

describe('a server that stands still', () => {
  const device = (accountId: string) => ({ accountId, deviceId: 1, registrationId: 1, token: '' });
  const pairs = [{ conversationId: 'c', rosterDigest: '', sender: device('a'), receiver: device('b') }];

  test('is charged by the open loop for every message that was due meanwhile', async () => {
    const url = await stallingServer(400);
    const report = await generateLoad({
      url,
      wire: createRelayWire(),
      pairs,
      shape: { kind: 'open', perSecond: 100 },
      warmUpMs: 100,
      measureMs: 1_500,
    });
    expect(report.counts.sent).toBeGreaterThan(150);
    expect(report.latency.accepted.maxMs).toBeGreaterThan(300);
    // About 40 of 150 messages were due while it stood still; on the average they waited half of that.
    expect(report.latency.accepted.p95Ms).toBeGreaterThan(200);
    expect(report.latency.accepted.p50Ms).toBeLessThan(100);
  });

  test('and a server that closes its sockets is seen in the counts', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    open.push(() => new Promise((resolve) => server.close(resolve)));
    server.on('connection', (socket) => {
      socket.on('message', (data: Buffer) => {
        if (data.includes('hello')) socket.send('{"type":"welcome"}');
        else socket.close(4004);
      });
    });
    await new Promise((resolve) => server.once('listening', resolve));
    const address = server.address();
    const url = `ws://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`;
    const load = generateLoad({ url, wire: createRelayWire(), pairs, shape: { kind: 'closed', window: 2 }, warmUpMs: 0, measureMs: 100 });
    const report = await load;
    expect(report.counts.refused).toEqual({ 'socket closed 4004': 1 });
    expect(report.unfinished).toBe(2);
  }, 30_000);
});
