import type { ExplanationDetail } from '../../protocol/rest/explanation.js';
import { table } from '../operator/table.js';

type Device = ExplanationDetail['accounts'][number]['devices'][number];
type Row = readonly [account: string, device: string, state: string, since: string, session: string];

const labelWidth = 17;
const head: Row = ['account', 'device', 'state', 'since', 'session'];

/** For people: the message, how far the consumers of the log are, and a line for each device. */
export function renderExplanation(explanation: ExplanationDetail): string {
  const { messageId, kind, sender, conversationId, position, acceptedAtMs, expiresAtMs, accounts, registry } = explanation;
  const lines = [
    line('message', `${messageId}, ${kind} from ${sender.accountId}.${sender.deviceId}`),
    line('conversation', conversationId),
    line('position', `${position}: partition ${explanation.partition}, offset ${explanation.offset}, epoch ${explanation.epoch}`),
    line('accepted', timeOf(acceptedAtMs)),
    ...(expiresAtMs === undefined ? [] : [line('expires', timeOf(expiresAtMs))]),
    ...(explanation.pulled === true ? [line('delivery', 'its members pull it from history: no device is named')] : []),
    line('record', explanation.recorded ? 'in the log: it names the devices' : 'not in the log any more: devices by the conversation'),
    ...explanation.groups.map((progress) => line(progress.group, progressOf(progress, explanation))),
    ...(registry === 'away' ? [line('session registry', 'away: sessions are not known')] : []),
  ];
  const rows = accounts.flatMap(({ accountId, devices }) => devices.map((device) => rowOf(accountId, device)));
  return [...lines, '', ...table([head, ...rows])].join('\n');
}

function line(label: string, text: string): string {
  return `${label.padEnd(labelWidth)}${text}`;
}

function progressOf({ topic, committed, end }: ExplanationDetail['groups'][number], { offset }: ExplanationDetail): string {
  const lag = `${end - committed} behind`;
  if (topic !== 'messages') return lag;
  return `${committed > offset ? 'past it' : 'not there yet'}, ${lag}`;
}

function rowOf(accountId: string, { deviceId, state, sinceMs, session }: Device): Row {
  return [accountId, `${deviceId}`, state, sinceMs === undefined ? '' : timeOf(sinceMs), session?.gatewayId ?? ''];
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
