import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, jwtVerify } from 'jose';

import type { RemovalId } from '../../protocol/ids.js';
import type { Device, Removal } from '../../sdk/index.js';
import { eventually } from '../support/eventually.js';
import { LiveDevices } from '../support/live-devices.js';
import { sharedServer, type RunningServer } from '../support/server.js';

/** What was under way when it began is waited for, for 30 s. */
const settledMs = 90_000;
let server: RunningServer;
const live = new LiveDevices(() => server.publicUrl);
let [ann, bea, cleo]: readonly Device[] = [];

const open = () => live.open(live.directory(), live.handle());

beforeAll(async () => {
  server = await sharedServer();
}, 120_000);
afterAll(() => live.end());

const rest = (path: string) => fetch(server.publicUrl + path);

async function finished(of: Device, removalId: RemovalId): Promise<NonNullable<Removal['finished']>> {
  return eventually(async () => {
    const { finished: told } = await of.removal(removalId);
    if (told === undefined) throw new Error('it is not finished');
    return told;
  }, settledMs);
}

async function verified(receipt: string) {
  const keys = createLocalJWKSet((await (await rest('/v1/keys')).json()) as Parameters<typeof createLocalJWKSet>[0]);
  return (await jwtVerify(receipt, keys, { issuer: 'heliograph', typ: 'heliograph-removal+jwt' })).payload;
}

test('of an unlinked device nothing is left, which a signed receipt says', async () => {
  const phone = await open();
  const laptop = await live.linked(phone);
  const { deviceId } = laptop;
  const stopped = new Promise((resolve) => laptop.on('stopped', resolve));
  const removalId = await phone.devices.unlink(deviceId);
  await stopped;
  expect(await phone.removal(removalId)).toEqual({ removalId, kind: 'device', begunAtMs: expect.any(Number) });
  const { removed, receipt } = await finished(phone, removalId);
  expect(removed).toEqual({ devices: 1, groupsLeft: 0, channelsLeft: 0, files: 0 });
  expect(await verified(receipt)).toMatchObject({ removalId, kind: 'device', removed });
  await expect(verified(`${receipt.slice(0, -8)}AAAAAAAA`)).rejects.toThrow();
}, 120_000);

describe('an erased account', () => {
  test('is out at once, leaves its groups and channels to others, ends its files, and what was said to them stays', async () => {
    [ann, bea, cleo] = [await open(), await open(), await open()];
    const { handle } = ann;
    const { conversationId } = await bea.conversationWith(handle);
    await bea.send(conversationId, { type: 'text', text: 'hello' });
    const group = await ann.groups.create({ title: 'us', members: [bea.handle, cleo.handle] });
    await ann.channels.create({ title: 'news' });
    await eventually(() => expect(ann?.messages(conversationId)).toHaveLength(1));
    await ann.send(conversationId, { type: 'text', text: 'hello you' });
    const file = join(live.directory(), 'photo');
    await writeFile(file, randomBytes(1_000));
    await ann.files.send(conversationId, file);
    await ann.idle();
    await eventually(() => expect(bea?.messages(conversationId)).toHaveLength(3));
    const stopped = new Promise((resolve) => ann?.on('stopped', resolve));

    const removalId = await ann.eraseAccount();
    await stopped;
    await expect(cleo.conversationWith(handle)).rejects.toMatchObject({ code: 'not_found' });
    const heir = await live.open(live.directory(), handle);
    expect(heir.accountId).not.toBe(ann.accountId);
    await eventually(() => {
      const members = bea?.conversations().find((of) => of.conversationId === group.conversationId);
      expect(members).toMatchObject({ members: expect.arrayContaining([expect.objectContaining({ role: 'owner' })]) });
      expect(bea?.messages(group.conversationId).at(-1)?.content).toMatchObject({ type: 'event', event: { type: 'member-left' } });
    }, 30_000);
    expect(bea.messages(conversationId)).toHaveLength(3);
    const { removed, receipt } = await finished(bea, removalId);
    expect(removed).toEqual({ devices: 1, groupsLeft: 1, channelsLeft: 1, files: 1 });
    expect(await verified(receipt)).toMatchObject({ removalId, kind: 'account', removed });
  }, 150_000);
});
