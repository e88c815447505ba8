import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { restCalls } from '../../protocol/rest/contract.js';
import { workflowDetail, workflowList } from '../../protocol/rest/workflow-view.js';
import { Absence } from '../support/absence.js';
import { eventually } from '../support/eventually.js';
import { PushService } from '../support/push-service.js';
import { RawPair } from '../support/raw-pair.js';
import { runNode } from '../support/run-program.js';
import { isDistributed, TestServer } from '../support/server.js';

const afterLossMs = 4_000;
/** The lease ends after 10 s, and who comes back is watched for 10 s at a time. */
const recoveredWithinMs = 60_000;
const settledMs = 5_000;
const lostGateway = 'gateway-1';

const service = new PushService();
let server: TestServer;

beforeAll(async () => {
  await service.open();
  server = await TestServer.start({
    environment: {
      HELIOGRAPH_PUSH_ALLOW_PRIVATE: 'yes',
      HELIOGRAPH_PUSH_QUIET_MS: '1000',
      HELIOGRAPH_PUSH_AFTER_LOSS_MS: `${afterLossMs}`,
    },
  });
}, 120_000);
afterAll(async () => {
  await server.stop();
  await service.close();
});

/** Straight to the gateway that will be lost. */
function door() {
  return { publicUrl: server.publicUrl, socketUrl: isDistributed ? (server.place.socketUrlOf[lostGateway] ?? '') : server.socketUrl };
}

/** Of several gateways one is lost for good; the only one starts again. */
async function loseGateway(): Promise<void> {
  if (isDistributed) return server.cluster.member(lostGateway).kill();
  await server.kill();
  return server.restart();
}

/** What `heliograph workflows` answers about these. */
async function workflows(...args: readonly string[]): Promise<unknown> {
  const at = ['--server', server.place.adminUrls.at(-1) ?? ''];
  const { stdout } = await runNode(['dist/cli/main.js', 'workflows', ...args, '--json', ...at], { env: server.operatorEnvironment }).ended;
  return JSON.parse(stdout);
}

/** None of other deployments, which use the same engine and lose a gateway of that name too. */
async function recoveries() {
  return workflowList.parse(await workflows('--type', 'gatewayRecovery', '--gateway', lostGateway)).workflows;
}

async function recovery() {
  const [newest] = await recoveries();
  return workflowDetail.parse(await workflows(newest?.workflowId ?? ''));
}

async function lastSeenOf(absence: Absence): Promise<number> {
  const response = await fetch(`${server.publicUrl}/v1/devices`, { headers: { authorization: `Bearer ${absence.pair.bob.token}` } });
  const { items } = restCalls.listDevices.answers[200].parse(await response.json());
  return items[0]?.lastSeenAtMs ?? 0;
}

test('devices of a gateway that is killed come back; who stays away was last seen with it, and is woken for what waits', async () => {
  const others = await RawPair.register(door());
  const absence = await Absence.begin(door(), service);
  await absence.send(3);
  await absence.pushed(1);
  const connectedAtMs = Date.now();
  await others.connect(others.alice);
  // Bob was woken and is there, but takes nothing before all is over.
  const bob = await absence.pair.connect(absence.pair.bob);
  await bob.next('deliver');
  await sleep(settledMs);

  await loseGateway();
  await eventually(async () => expect(await recoveries()).toHaveLength(1), recoveredWithinMs);
  const begun = `**${lostGateway} was lost, 2 devices had not come back when this began**: `;
  await eventually(async () => expect((await recovery()).details).toContain(begun), recoveredWithinMs);
  const back = await others.through(server.socketUrl).connect(others.alice);
  await absence.pushed(2);
  expect(await lastSeenOf(absence)).toBeGreaterThan(connectedAtMs + settledMs / 5);

  await eventually(async () => expect(await recoveries()).toMatchObject([{ status: 'completed' }]), recoveredWithinMs);
  const { summary, details } = await recovery();
  expect(summary).toBe(`recovery of the devices of ${lostGateway}`);
  expect(details).toBe(`${begun}done\n\n- back: 1\n- stayed away, woken by push if something waits for them: 1`);
  back.send({ type: 'ping', id: 1 });
  expect(await back.reply(1)).toEqual({ type: 'ok', id: 1 });
}, 150_000);
