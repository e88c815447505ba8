import type { ConversationId } from '../../protocol/ids.js';
import type { RestClient } from '../rest/rest-client.js';
import type { SerialQueue } from '../serial-queue.js';
import { changeInTurn } from '../store/change-in-turn.js';
import type { DeviceStore } from '../store/device-store.js';
import { takeView } from './channel-rows.js';

export interface LookDependencies {
  readonly store: DeviceStore;
  readonly rest: RestClient;
  readonly signal: SerialQueue;
}

/** Keeps what the server says of a channel now. Throws DomainError `not_a_member`, SdkError `offline`. */
export async function lookAtChannel(dependencies: LookDependencies, conversationId: ConversationId): Promise<void> {
  const view = await dependencies.rest.call('getChannel', { params: { conversationId } });
  await changeInTurn(dependencies, (unit) => takeView(unit, view));
}
