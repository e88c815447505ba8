import { deviceKey } from '../../protocol/ids.js';
import type { QuarantineList, QuarantineRelease } from '../../protocol/rest/quarantine.js';
import { table } from '../operator/table.js';

const head = ['message', 'device', 'since', 'conversation', 'position'];

/** For people: a line for each item. */
export function renderQuarantine({ items }: QuarantineList): string {
  if (items.length === 0) return 'Nothing is in quarantine.';
  const rows = items.map(({ messageId, device, sinceMs, conversationId, position }) => [
    ...[messageId, deviceKey(device), new Date(sinceMs).toISOString(), conversationId, `${position}`],
  ]);
  return table([head, ...rows]).join('\n');
}

export function renderRelease({ messageId, devices }: QuarantineRelease): string {
  return `${messageId} goes again to ${devices.map(deviceKey).join(', ')}`;
}
