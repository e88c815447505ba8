import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { GatewayConnection, GatewayEndpoint, GatewayLink, Push, PushAnswer } from '../../ports/gateway-link.js';
import { newDevice } from '../support/drain-fixtures.js';
import { eventually } from '../support/eventually.js';

export interface GatewayLinkUnderTest {
  readonly link: GatewayLink;
  /** Breaks the connection to the gateway; a new one may take its place. */
  cut(): void;
  dispose(): Promise<void>;
}

export interface RecordingEndpoint extends GatewayEndpoint {
  readonly pushes: { readonly linkId: string; readonly push: Push; readonly answer: (targetIndex: number, answer: PushAnswer) => void }[];
  readonly signals: unknown[];
  readonly lost: string[];
}

/** A gateway that answers pushes only when the test does, and no page of the sub-token 0. */
export function recordingEndpoint(gatewayId = 'one'): RecordingEndpoint {
  const endpoint: RecordingEndpoint = {
    gatewayId,
    pushes: [],
    signals: [],
    lost: [],
    push: (linkId, push, answer) => endpoint.pushes.push({ linkId, push, answer }),
    nudge: (_linkId, { sessionEpoch }, partition) => (sessionEpoch === 1 ? { outcome: 'ok', stream: partition } : { outcome: 'gone' }),
    signal: (sessions, frame) => endpoint.signals.push([sessions, frame]),
    openDrain: (_device, token) => ({ outcome: 'open', sub: token + 1, sessionEpoch: 1 }),
    drainPage: ({ sub }, { items, short }) =>
      sub === 0 ? new Promise(() => undefined) : Promise.resolve(items.length === 1 && short ? 'acked' : 'parked'),
    finishDrain: () => 'more',
    giveUpDrain: () => 'closed',
    linkLost: (linkId) => endpoint.lost.push(linkId),
  };
  return endpoint;
}

/** The promises of ports/gateway-link.ts, for any adapter. `open` gives a link to the endpoint. */
export function gatewayLinkContract(name: string, open: (endpoint: GatewayEndpoint) => Promise<GatewayLinkUnderTest>): void {
  describe(`gateway link: ${name}`, () => {
    let under: GatewayLinkUnderTest;
    let gateway: RecordingEndpoint;
    const device = newDevice();
    const body = Buffer.from([0, 1, 2, 255]);
    const item = {
      conversationId: 'c',
      position: 2 ** 48 + 5,
      messageId: 'm',
      kind: 'message',
      sender: device,
      acceptedAtMs: 1_700_000_000_000,
      body,
    };
    const target = { device, sessionEpoch: 1, stream: 0, envelope: { type: 3, content: body } };
    const push = (partition: number, targets = 1) => ({ partition, item, targets: Array.from({ length: targets }, () => target) }) as unknown as Push;

    beforeEach(async () => {
      gateway = recordingEndpoint();
      under = await open(gateway);
    });
    afterEach(() => under.dispose());

    const connected = () =>
      eventually((): GatewayConnection => {
        const connection = under.link.to('one');
        if (connection === undefined) throw new Error('there is no connection yet');
        return connection;
      });

    test('knows no connection to a gateway that is not there', () => {
      expect(under.link.to('nobody')).toBeUndefined();
    });

    test('carries every kind of call, and its answer', async () => {
      const connection = await connected();
      expect(connection.gatewayId).toBe('one');
      expect(await connection.nudge({ device, sessionEpoch: 1 }, 4)).toEqual({ outcome: 'ok', stream: 4 });
      expect(await connection.nudge({ device, sessionEpoch: 2 }, 4)).toEqual({ outcome: 'gone' });
      expect(await connection.openDrain(device, 6)).toEqual({ outcome: 'open', sub: 7, sessionEpoch: 1 });
      expect(await connection.drainPage({ device, token: 1, sub: 1 }, { items: [push(0).item], short: true })).toBe('acked');
      expect(await connection.finishDrain({ device, token: 1, sub: 1 })).toBe('more');
      expect(await connection.giveUpDrain(device, 1)).toBe('closed');
      connection.signal([{ device, sessionEpoch: 1 }], { type: 'receipts', items: [] });
      await eventually(() => expect(gateway.signals).toEqual([[[{ device, sessionEpoch: 1 }], { type: 'receipts', items: [] }]]));
    });

    test('brings pushes whole and in order, under the id of the link, and each answer to its target', async () => {
      const connection = await connected();
      const answers: [number, number, PushAnswer][] = [];
      for (let partition = 0; partition < 200; partition += 1) {
        connection.push(push(partition, 2), (index, answer) => answers.push([partition, index, answer]));
      }
      await eventually(() => expect(gateway.pushes).toHaveLength(200));
      expect(gateway.pushes.map((of) => of.push.partition)).toEqual(Array.from({ length: 200 }, (_, index) => index));
      expect(new Set(gateway.pushes.map(({ linkId }) => linkId))).toEqual(new Set([connection.linkId]));
      const [first] = gateway.pushes;
      expect(first?.push.item).toMatchObject({ position: item.position, acceptedAtMs: item.acceptedAtMs });
      expect(Buffer.from(first?.push.item.body ?? [])).toEqual(body);
      expect(Buffer.from(first?.push.targets[1]?.envelope?.content ?? [])).toEqual(body);
      first?.answer(1, 'refused');
      gateway.pushes[7]?.answer(0, 'delivered');
      first?.answer(0, 'gone');
      await eventually(() => expect(answers).toHaveLength(3));
      expect(answers).toEqual([
        [0, 1, 'refused'],
        [7, 0, 'delivered'],
        [0, 0, 'gone'],
      ]);
    });

    test('answers `lost` once for everything open when it breaks, tells the gateway, and is another link after that', async () => {
      const connection = await connected();
      const answers: [number, PushAnswer][] = [];
      connection.push(push(0, 2), (index, answer) => answers.push([index, answer]));
      const page = connection.drainPage({ device, token: 1, sub: 0 }, { items: [], short: true });
      await eventually(() => expect(gateway.pushes).toHaveLength(1));
      gateway.pushes[0]?.answer(0, 'delivered');
      await eventually(() => expect(answers).toHaveLength(1));
      under.cut();
      expect(await page).toBe('lost');
      expect(answers).toEqual([
        [0, 'delivered'],
        [1, 'lost'],
      ]);
      await eventually(() => expect(gateway.lost).toEqual([connection.linkId]));
      gateway.pushes[0]?.answer(1, 'delivered');
      expect(await connection.nudge({ device, sessionEpoch: 1 }, 0)).toEqual({ outcome: 'lost' });
      connection.push(push(1), (index, answer) => answers.push([index, answer]));
      expect(answers).toEqual([
        [0, 'delivered'],
        [1, 'lost'],
        [0, 'lost'],
      ]);
      expect(under.link.to('one')?.linkId).not.toBe(connection.linkId);
    });
  });
}
