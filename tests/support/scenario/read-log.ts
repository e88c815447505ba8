import type { z } from 'zod';

import { createSystemClock } from '../../../adapters/system/system-clock.js';
import { createTokens } from '../../../gateway/tokens.js';
import { decodeEvent } from '../../../protocol/conversation-event.js';
import type { ConversationId, DeviceAddress } from '../../../protocol/ids.js';
import { historyPage } from '../../../protocol/rest/conversation.js';
import { limits } from '../../../protocol/limits.js';
import type { RunningServer } from '../server.js';
import type { Names } from './names.js';
import type { LogEntry } from './record.js';

const tokenLifetimeMs = 60_000;

/** The server's history of a conversation, as a member's device may ask for it: the order that everybody has to agree with. */
export async function readLog(
  server: RunningServer,
  names: Names,
  of: { readonly device: DeviceAddress; readonly conversationId: ConversationId },
): Promise<readonly LogEntry[]> {
  const tokens = createTokens({ keys: server.tokenKeys, clock: createSystemClock(), lifetimeMs: tokenLifetimeMs });
  const { token } = await tokens.issue(of.device);
  const entries: z.infer<typeof historyPage>['items'] = [];
  for (let page = await ask(0); page.length > 0; page = await ask(entries.at(-1)?.position ?? 0)) entries.push(...page);
  return entries.map(({ messageId, position, acceptedAtMs, sender, ttlSeconds, kind, body }) => {
    const event = kind === 'event' ? decodeEvent(body) : undefined;
    return { messageId, position, acceptedAtMs, ttlSeconds, device: names.ofDevice(sender), event: event && names.ofEvent(event) };
  });

  async function ask(after: number): Promise<typeof entries> {
    const query = new URLSearchParams({ after: `${after}`, limit: `${limits.maxHistoryPage}` });
    const response = await fetch(`${server.publicUrl}/v1/conversations/${of.conversationId}/messages?${query.toString()}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    if (!response.ok) throw new Error(`the history of ${names.of(of.conversationId)} was answered with ${response.status}`);
    return historyPage.parse(await response.json()).items;
  }
}
