import { setTimeout as sleep } from 'node:timers/promises';

import { isChannelId } from '../../../protocol/ids.js';
import { eventually } from '../eventually.js';
import { isDistributed } from '../server.js';
import type { ChangeCall, SaidAnswer } from './host-calls.js';
import type { Change, Window } from './record.js';
import type { Name, Step, StepAction } from './script.js';
import type { Stage } from './stage.js';

const catchUpMs = 60_000;

type Of<Do extends StepAction['do']> = Extract<Step, { do: Do }>;

const players: { readonly [Do in StepAction['do']]: (stage: Stage, step: Of<Do>) => Promise<void> } = {
  ...{ say, rule, read, join, link, unlink, crash },
  ...{ add: change, remove: change, leave: change, role: change },
  close: (stage, { device }) => stage.close(device),
  open: (stage, { device }) => stage.open(device),
  kill: (stage, { host }) => stage.kill(host),
  return: async (stage, { host, devices }) => {
    stage.start(host);
    await Promise.all(devices.map((device) => stage.open(device)));
  },
};

export function playStep(stage: Stage, step: Step): Promise<void> {
  return (players[step.do] as (stage: Stage, step: Step) => Promise<void>)(stage, step);
}

/** Somebody who may not write there, or not yet, says something new: what it did to a message would be refused unseen. */
async function say(stage: Stage, { device, conversation, wish: wanted, pick, lastsSeconds }: Omit<Of<'say'>, 'do' | 'afterMs'>): Promise<void> {
  const wish = stage.mayWrite(conversation, device) ? wanted : 'text';
  const text = `${wish} ${stage.recorder.said.length} of ${device}`;
  const conversationId = stage.names.conversation(conversation);
  await recorded(stage, device, conversation, () => stage.ask('say', { device, conversationId, wish, text, pick, ttlSeconds: lastsSeconds }));
}

function rule(stage: Stage, { device, conversation, seconds }: Of<'rule'>): Promise<void> {
  const conversationId = stage.names.conversation(conversation);
  return recorded(stage, device, conversation, () => stage.ask('rule', { device, conversationId, seconds }));
}

async function recorded(stage: Stage, device: Name, conversation: Name, send: () => Promise<SaidAnswer | null>): Promise<void> {
  const atMs = Date.now();
  const answer = await send();
  if (answer !== null) stage.recorder.sent(device, conversation, atMs, answer);
}

async function read(stage: Stage, { device, conversation }: Of<'read'>): Promise<void> {
  const atMs = Date.now();
  const position = await stage.ask('read', { device, conversationId: stage.names.conversation(conversation) });
  if (position !== null) stage.recorder.reads.push({ device, conversation, position, atMs });
}

type Changing = Of<'add' | 'remove' | 'leave' | 'role'>;

async function change(stage: Stage, step: Changing): Promise<void> {
  const { device, conversation } = step;
  const conversationId = stage.names.conversation(conversation);
  const leaving = 'leaving' in step ? step.leaving : [];
  await Promise.all(leaving.map((of) => stage.idle(of)));
  const readsUntil = step.do === 'role' ? {} : await caughtUp(stage, conversation, leaving);
  const call = callOf(stage, step);
  const done = stage.change(() => stage.ask('change', { device, conversationId, call }), {
    settled: call.type === 'remove' ? ['not_found'] : call.type === 'leave' ? ['not_a_member'] : [],
  });
  const parting = leaving.map((of) => say(stage, { device: of, conversation, wish: 'text', pick: 0 }));
  const window = await done;
  await Promise.all(parting);
  stage.recorder.changes.push({ conversation, device, change: changeOf(stage, step), ...window, ...readsUntil });
}

/** Of a channel, which members read for themselves: when at the latest all of them had everything. */
async function caughtUp(stage: Stage, conversation: Name, devices: readonly Name[]): Promise<Partial<Pick<Window, 'fromMs'>>> {
  const conversationId = stage.names.conversation(conversation);
  if (!isChannelId(conversationId)) return {};
  const since = devices.map(async (device) => {
    let fromMs = Date.now();
    await eventually(async () => {
      fromMs = Date.now();
      let isThere = false;
      await stage.insist(async () => (isThere = await stage.ask('catchUp', { device, conversationId })));
      if (!isThere) throw new Error(`${device} lacks something of ${conversation}`);
    }, catchUpMs);
    return fromMs;
  });
  return { fromMs: Math.min(...(await Promise.all(since))) };
}

async function join(stage: Stage, { device, conversation, by }: Of<'join'>): Promise<void> {
  const conversationId = stage.names.conversation(conversation);
  const window = await stage.change(
    async () => {
      const invite = await stage.ask('invite', { device: by, conversationId });
      await stage.ask('join', { device, invite });
    },
    // The newest key is not there yet; or another one was made meanwhile, which ended the invite.
    { passing: ['undecryptable', 'not_found'] },
  );
  stage.recorder.changes.push({ conversation, device, change: { type: 'member-joined', member: stage.accountOf(device) }, ...window });
}

function callOf(stage: Stage, step: Changing): ChangeCall {
  switch (step.do) {
    case 'add':
      return { type: 'add', handle: stage.handleOf(step.account) };
    case 'remove':
      return { type: 'remove', accountId: stage.names.account(step.account) };
    case 'leave':
      return { type: 'leave' };
    case 'role':
      return { type: 'role', accountId: stage.names.account(step.account), role: step.role };
  }
}

function changeOf(stage: Stage, step: Changing): Change {
  switch (step.do) {
    case 'add':
      return { type: 'members-added', members: [step.account] };
    case 'remove':
      return { type: 'member-removed', member: step.account };
    case 'leave':
      return { type: 'member-left', member: stage.accountOf(step.device) };
    case 'role':
      return { type: 'role-changed', member: step.account, role: step.role };
  }
}

async function link(stage: Stage, { device, by, host }: Of<'link'>): Promise<void> {
  await stage.link({ name: device, account: stage.accountOf(by), host }, by);
}

async function unlink(stage: Stage, { device, by }: Of<'unlink'>): Promise<void> {
  await stage.idle(device);
  const deviceId = stage.names.deviceId(device);
  stage.recorder.unlinked(device, { fromMs: Date.now(), toMs: Infinity });
  const done = stage.change(() => stage.ask('unlink', { device: by, deviceId }), { settled: ['not_found'] });
  const { name: conversation = '' } =
    stage.recorder.conversations.find(({ members }) => members.some((account) => account === stage.accountOf(device))) ?? {};
  const parting = conversation === '' ? undefined : say(stage, { device, conversation, wish: 'text', pick: 0 });
  stage.recorder.unlinked(device, await done);
  await parting;
}

/** Of the one process that there is, or of any of them. */
async function crash({ server }: Stage, { pick, downMs }: Of<'crash'>): Promise<void> {
  if (!isDistributed) {
    await server.kill();
    await sleep(downMs);
    return server.restart();
  }
  const { members } = server.cluster;
  const member = members[Math.floor(pick * members.length)];
  await member?.kill();
  await sleep(downMs);
  await member?.start();
}
