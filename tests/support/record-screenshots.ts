import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { HeliographServer } from '../../bench/process/heliograph-server.js';
import { workflowList, type WorkflowView } from '../../protocol/rest/workflow-view.js';
import { openDevice, type Device } from '../../sdk/index.js';
import { openBrowser } from './browser.js';
import { eventually } from './eventually.js';
import { LiveDevices } from './live-devices.js';
import { temporaryDirectory } from './temporary-directory.js';

/** Lets every kind of workflow happen on a server of its own, and takes pictures of the Temporal Web UI: `node --import tsx tests/support/record-screenshots.ts docs/screenshots`, after `npm run build`, with Chromium (Debian: chromium). */
const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: record-screenshots.ts FOLDER');
mkdirSync(folder, { recursive: true });

const patienceMs = 120_000;
const data = temporaryDirectory();
const server = await HeliographServer.start({
  dist: resolve('dist'),
  dataDirectory: data.path,
  environment: {
    HELIOGRAPH_MEDIA_UPLOAD_MS: '5000',
    HELIOGRAPH_MEDIA_GRACE_MS: '0',
    HELIOGRAPH_MEDIA_BUCKET_MS: '1000',
    HELIOGRAPH_PUSH_AFTER_LOSS_MS: '30000',
  },
});
const browser = await openBrowser();
const live = new LiveDevices(() => server.publicUrl);
try {
  const bob = await everything();
  await picture('waves', list(`WorkflowType = 'drainWave' AND HeliographGateway = 'gateway-1'`));
  await picture('drain-wave', detail(await latest('drainWave', 'completed')));
  await picture('media-expiry', detail(await latest('mediaExpiry', 'completed')));

  const carol = await live.open(live.directory(), 'carol');
  await carol.conversationWith('bob');
  await sleep(2_000);
  await server.kill();
  await live.close(carol);
  await server.restart();
  await eventually(() => latest('gatewayRecovery', 'running'), patienceMs);
  await sleep(2_000);
  await picture('gateway-recovery', detail(await latest('gatewayRecovery', 'running'), 'user-metadata'));

  const tablet = await openDevice({ server: server.publicUrl, directory: live.directory(), link: { onCode: (code) => void bob.devices.link(code) } });
  const link = await eventually(() => latest('deviceLink', 'running'), patienceMs);
  await sleep(10_000);
  await picture('device-link', detail(link, 'user-metadata'));
  await tablet.close();

  const [laptop, dora] = [await live.linked(bob), await live.open(live.directory(), 'dora')];
  await bob.devices.unlink(laptop.deviceId);
  await dora.groups.create({ title: 'dora and bob', members: [bob.handle] });
  await dora.eraseAccount();
  await picture('account-erasure-waits', detail(await eventually(() => latest('accountErasure', 'running'), patienceMs), 'user-metadata'));
  await picture('device-unlink', detail(await eventually(() => latest('deviceUnlink', 'completed'), patienceMs)));
} finally {
  await browser.close();
  await live.end();
  await server.stop();
  data.remove();
}

/** Bob is away, gets messages and a file, comes back and takes both. */
async function everything(): Promise<Device> {
  const [alice, directory] = [await live.open(live.directory(), 'alice'), live.directory()];
  const away = await live.open(directory, 'bob');
  const { conversationId } = await alice.conversationWith('bob');
  await live.close(away);
  for (let count = 1; count <= 20; count += 1) await alice.send(conversationId, { type: 'text', text: `message ${count}` });
  const photo = join(live.directory(), 'photo');
  await writeFile(photo, randomBytes(100_000));
  await alice.files.send(conversationId, photo);
  await alice.idle();
  const bob = await live.open(directory);
  const content = await eventually(() => {
    const last = bob.messages(conversationId).at(-1)?.content;
    if (last?.type !== 'file') throw new Error('the file is not here yet');
    return last;
  }, patienceMs);
  await bob.files.save(content, join(live.directory(), 'saved'));
  await eventually(() => latest('mediaExpiry', 'completed'), patienceMs);
  return bob;
}

async function latest(type: string, status: string): Promise<WorkflowView> {
  const token = readFileSync(join(data.path, 'keys', 'operator-token'), 'utf8').trim();
  const url = `${server.adminUrl}/ops/workflows?type=${type}&status=${status}&limit=1`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  const [workflow] = workflowList.parse(await response.json()).workflows;
  if (workflow === undefined) throw new Error(`there is no ${type} that is ${status}`);
  return workflow;
}

function list(query: string): string {
  return `/namespaces/default/workflows?query=${encodeURIComponent(query)}`;
}

function detail({ workflowId, runId }: WorkflowView, tab = 'timeline'): string {
  return `/namespaces/default/workflows/${encodeURIComponent(workflowId)}/${runId}/${tab}`;
}

async function picture(name: string, path: string): Promise<void> {
  await writeFile(join(folder ?? '', `${name}.png`), await browser.picture(server.temporalUiUrl + path));
}
