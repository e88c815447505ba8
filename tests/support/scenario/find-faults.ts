import { certaintyOf, judge, shownBy, type Judging, type Outcome } from './judging.js';
import type { KnownDevice, Noticed } from './record.js';
import type { Name } from './script.js';
import { findTranscriptFaults } from './transcript-faults.js';

/** Everything in which a device differs from the model, or the server's history from what was said. Empty when all is well. */
export function findFaults(outcome: Outcome): readonly string[] {
  const judging = judge(outcome);
  const { record, placed } = judging;
  const ofDevices = record.devices.flatMap((device) =>
    record.conversations.flatMap(({ name }) => {
      const faults = [...findTranscriptFaults(judging, device, name), ...toldFaults(judging, device, name), ...gapFaults(judging, device.name, name)];
      return faults.map((fault) => `${device.name} in ${name}: ${fault}`);
    }),
  );
  const notices = record.notices.filter((notice) => !isExpected(judging, notice));
  return [...placed.faults, ...ofDevices, ...notices.map(({ device, kind, text }) => `${device} was given the notice ${kind}: ${text}`)];
}

/** Whoever went, or was removed, hears of it on all devices. */
function isExpected({ record, entitlement }: Judging, { device, kind }: Noticed): boolean {
  const account = entitlement.accountOf(device);
  const went = record.changes.filter(
    ({ change }) => (change.type === 'member-removed' || change.type === 'member-left') && change.member === account,
  );
  return kind === 'channel-left' && went.some(({ conversation }) => entitlement.isChannel(conversation));
}

/** An app hears of a message at most once in each life of the device, and of none that is not for it. */
function toldFaults(judging: Judging, { name }: KnownDevice, conversation: Name): readonly string[] {
  const { record, entitlement, placed } = judging;
  const told = record.told.filter((one) => one.device === name && one.conversation === conversation);
  const once = new Set(told.map(({ openedAtMs, messageId }) => `${openedAtMs}/${messageId}`));
  const faults = once.size === told.length ? [] : [`was told ${told.length - once.size} messages twice in one life`];
  const known = new Map((placed.entries.get(conversation) ?? []).map((entry) => [entry.messageId, entry]));
  for (const { messageId, sender, acceptedAtMs } of told) {
    const said = record.said.find((one) => one.messageId === messageId);
    const entry = known.get(messageId);
    const window = { fromMs: said?.atMs ?? acceptedAtMs, toMs: acceptedAtMs };
    const isOwn = sender === name && entry?.changed === undefined;
    // What disappeared is in no history any more.
    const got = () =>
      entitlement.isChannel(conversation) ? entitlement.reads(name, conversation, acceptedAtMs) : entitlement.gets(name, conversation, window);
    const gets = entry !== undefined ? certaintyOf(judging, name, entry) : said === undefined ? 'no' : got();
    if (isOwn || gets === 'no') faults.push(`was told ${messageId}, which it was not to get`);
  }
  return faults;
}

/** Nothing is missing but what disappeared while a device was away. */
function gapFaults(judging: Judging, device: Name, conversation: Name): readonly string[] {
  const { gaps } = shownBy(judging, device, conversation);
  const mayGo = judging.record.said.some((said) => said.conversation === conversation && said.isFleeting);
  return gaps.filter(({ reason }) => reason !== 'expired' || !mayGo).map((gap) => `has a gap: ${JSON.stringify(gap)}`);
}
