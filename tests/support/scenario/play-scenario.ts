import { setTimeout as sleep } from 'node:timers/promises';

import { eventually } from '../eventually.js';
import type { TestServer } from '../server.js';
import type { MessageId } from '../../../sdk/index.js';
import { Entitlement } from './entitlement.js';
import { findFaults } from './find-faults.js';
import { countOpen, type Outcome } from './judging.js';
import { findEarlyReceipts, findUnsettled } from './receipt-faults.js';
import type { LogEntry, Logs, ShownConversation, Transcripts } from './record.js';
import { playStep } from './play-step.js';
import { readLog } from './read-log.js';
import { fleetingUpToSeconds } from './recorder.js';
import { usesOf, type Name, type Script } from './script.js';
import { Stage } from './stage.js';
import { Turns } from './turns.js';

const settleMs = 90_000;
const judgeEveryMs = 500;
/** More would make the comparison vague. */
const mostOpen = 0.1;
const expiryGraceMs = 1_500;
const atTheEnd = { fromMs: Infinity, toMs: Infinity };

export interface Played {
  /** Empty when every device shows what the model says. */
  readonly faults: readonly string[];
  readonly figures: string;
}

/** Plays a script against a server, and judges what every device shows at the end. */
export async function playScenario(server: TestServer, script: Script): Promise<Played> {
  const stage = new Stage(server, script);
  const startMs = Date.now();
  try {
    await setTheStage(stage, script);
    const begunMs = Date.now();
    await playSteps(stage, script);
    const endedMs = Date.now();
    const ending = new Ending(stage);
    await ending.lastWords();
    const { outcome, faults } = await ending.judged();
    const { pairs, open } = countOpen(outcome);
    if (open > mostOpen * pairs) faults.push(`the model leaves ${open} of ${pairs} rows open: too many`);
    const { said, told, devices, lives, changes } = stage.recorder;
    const seconds = (fromMs: number, toMs: number) => `${((toMs - fromMs) / 1_000).toFixed(1)} s`;
    const figures = [
      `seed ${script.seed}: ${said.length} said, ${changes.length} changes of groups and channels, ${devices.length} devices with ${lives.length} lives`,
      `${told.length} told, ${pairs} rows for devices of which the model leaves ${open} open`,
      `stage ${seconds(startMs, begunMs)}, play ${seconds(begunMs, endedMs)}, end ${seconds(endedMs, Date.now())}`,
    ].join('; ');
    return { faults, figures };
  } finally {
    await stage.end();
  }
}

async function setTheStage(stage: Stage, { accounts, devices, conversations }: Script): Promise<void> {
  const ofAccount = (account: Name) => devices.filter((device) => device.account === account);
  await Promise.all(
    accounts.map(async (account) => {
      const [first, ...further] = ofAccount(account);
      if (first === undefined) throw new Error(`${account} has no device`);
      await stage.register(first);
      for (const device of further) await stage.link(device, first.name);
    }),
  );
  await Promise.all(
    conversations.map(async ({ kind, name, members: [maker = '', ...others] }) => {
      const { name: device = '' } = ofAccount(maker)[0] ?? {};
      const handles = others.map((account) => stage.handleOf(account));
      if (kind === 'direct') {
        stage.names.learn(name, await stage.ask('meet', { device, handle: handles[0] ?? '' }));
        return;
      }
      if (kind === 'channel') {
        await setUpChannel(stage, name, { device, joining: others.map((account) => ofAccount(account)[0]?.name ?? '') });
        return;
      }
      const fromMs = Date.now();
      stage.names.learn(name, await stage.ask('found', { device, title: name, members: handles }));
      const change = { type: 'created', members: [maker, ...others] } as const;
      stage.recorder.changes.push({ conversation: name, device, change, fromMs, toMs: Date.now() });
    }),
  );
}

async function setUpChannel(stage: Stage, name: Name, { device, joining }: { device: Name; joining: readonly Name[] }): Promise<void> {
  const fromMs = Date.now();
  const conversationId = await stage.ask('foundChannel', { device, title: name });
  stage.names.learn(name, conversationId);
  const change = { type: 'created', members: [stage.accountOf(device)] } as const;
  stage.recorder.changes.push({ conversation: name, device, change, fromMs, toMs: Date.now() });
  const invite = await stage.ask('invite', { device, conversationId });
  await Promise.all(joining.map((other) => stage.ask('join', { device: other, invite })));
}

async function playSteps(stage: Stage, { steps }: Script): Promise<void> {
  const turns = new Turns();
  const playing: Promise<void>[] = [];
  let failed: unknown;
  for (const step of steps) {
    await sleep(step.afterMs);
    if (failed !== undefined) break;
    const played = turns
      .run(usesOf(step), () => playStep(stage, step))
      .catch((error: unknown) => {
        failed ??= new Error(`the step ${JSON.stringify(step)} failed`, { cause: error });
      });
    playing.push(played);
  }
  await Promise.all(playing);
  if (failed !== undefined) throw failed as Error;
}

/** What comes after the last step: everything settles, and every device is looked at. */
class Ending {
  readonly #stage: Stage;
  readonly #entitlement: Entitlement;
  /** Devices that are still there. */
  readonly #present: readonly Name[];

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#entitlement = new Entitlement(stage.recorder);
    this.#present = stage.recorder.devices.filter(({ unlinked }) => unlinked === undefined).map(({ name }) => name);
  }

  /** One more message in each conversation: who has it was told of everything before it, because each device gets a conversation in its order. */
  async lastWords(): Promise<void> {
    const { recorder, names } = this.#stage;
    await Promise.all(this.#present.map((device) => this.#stage.idle(device)));
    await Promise.all(
      recorder.conversations.map(async ({ name: conversation }) => {
        const devices = this.#devicesIn(conversation);
        const messageId = await this.#lastWordIn(conversation);
        const conversationId = names.conversation(conversation);
        await eventually(async () => {
          for (const of of devices) {
            const has = await this.#stage.ask('has', { device: of, conversationId, messageId });
            if (!has) throw new Error(`${of} has not got the last word of ${conversation}`);
          }
          const log = await this.#log(conversation);
          if (!log.some((entry) => entry.messageId === messageId)) throw new Error(`the history of ${conversation} has not got its last word`);
        }, settleMs);
      }),
    );
    const longest = Math.max(
      0,
      ...recorder.said.filter(({ isFleeting }) => isFleeting).map(({ ttlSeconds = 0 }) => Math.min(ttlSeconds, fleetingUpToSeconds)),
    );
    await sleep(longest * 1_000 + expiryGraceMs);
  }

  /** Of a channel an admin may hear late that it is one. */
  async #lastWordIn(conversation: Name): Promise<MessageId> {
    const device = this.#present.find((of) => this.#entitlement.writes(of, conversation, atTheEnd) === 'yes') ?? '';
    const saidThere = () => this.#stage.recorder.said.filter((said) => said.conversation === conversation);
    const before = saidThere().length;
    return eventually(async () => {
      await playStep(this.#stage, { do: 'say', device, conversation, wish: 'text', pick: 0, afterMs: 0 });
      const messageId = saidThere()[before]?.messageId;
      if (messageId === undefined) throw new Error(`${device} could not say the last word in ${conversation}`);
      return messageId;
    }, settleMs);
  }

  /** A device that missed something is given it by the sender's devices, and ticks come when they come: judged until nothing is wrong, or as it is at last. */
  async judged(): Promise<{ readonly outcome: Outcome; readonly faults: string[] }> {
    for (const untilMs = Date.now() + settleMs; ; await sleep(judgeEveryMs)) {
      const outcome = await this.#outcome();
      const faults = [...findFaults(outcome), ...findEarlyReceipts(outcome), ...findUnsettled(outcome)];
      if (faults.length === 0 || Date.now() >= untilMs) return { outcome, faults };
    }
  }

  async #outcome(): Promise<Outcome> {
    const { recorder } = this.#stage;
    // An unlinked device stays closed once its process was killed, and still has what it had.
    const closed = recorder.devices.filter(({ name }) => recorder.lives.findLast(({ device }) => device === name)?.closedAtMs !== undefined);
    await Promise.all(closed.map(({ name }) => this.#stage.open(name)));
    const logs: Logs = new Map(await Promise.all(recorder.conversations.map(async ({ name }) => [name, await this.#log(name)] as const)));
    return { record: recorder, logs, transcripts: await this.#transcripts() };
  }

  async #transcripts(): Promise<Transcripts> {
    const { names, recorder } = this.#stage;
    const all = recorder.devices.map(async ({ name }) => {
      const conversations = recorder.conversations.map((conversation) => names.conversation(conversation.name));
      const snapshot = await this.#stage.ask('snapshot', { device: name, conversations });
      const shown = snapshot.map(({ conversationId, messages, readUpTo, gaps }): readonly [Name, ShownConversation] => [
        names.of(conversationId),
        { messages: messages.map((message) => names.ofMessage(message)), readUpTo, gaps },
      ]);
      return [name, new Map(shown)] as const;
    });
    return new Map(await Promise.all(all));
  }

  async #log(conversation: Name): Promise<readonly LogEntry[]> {
    const { server, names } = this.#stage;
    const [device = ''] = this.#devicesIn(conversation);
    const address = { accountId: names.account(this.#entitlement.accountOf(device)), deviceId: names.deviceId(device) };
    return readLog(server, names, { device: address, conversationId: names.conversation(conversation) });
  }

  #devicesIn(conversation: Name): readonly Name[] {
    return this.#present.filter((device) => this.#entitlement.gets(device, conversation, atTheEnd) === 'yes');
  }
}
