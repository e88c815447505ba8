import type { ServerFrame } from '../../protocol/server-frames.js';
import type { GatewayEvents } from '../../telemetry/gateway-events.js';
import type { PresenceHub } from '../presence/presence-hub.js';
import { errorFrameOf, type Arrived, type Reply, type SessionRequest } from './connection.js';
import { acceptRead, answerReceipts, type ReadDependencies, type ReceiptsGetDependencies } from './receipts.js';
import { acceptSend, type SendDependencies } from './send.js';
import type { Session } from './session.js';

export interface RequestDependencies extends SendDependencies, ReadDependencies, ReceiptsGetDependencies {
  readonly hub: PresenceHub;
  readonly events: GatewayEvents;
}

/** One reply for every request. Settles when the next request of the same connection may begin: for a send once its place in the order is taken, for receipts at once. */
export async function handleRequest(
  dependencies: RequestDependencies,
  session: Session,
  request: Arrived<SessionRequest>,
  reply: Reply,
): Promise<void> {
  const { frame, arrivedAtMs } = request;
  const replyLater = (answer: Promise<ServerFrame>) => {
    answer.then(reply, (error: unknown) => {
      reply(errorFrameOf(error, dependencies.events, frame.id));
    });
  };
  switch (frame.type) {
    case 'send': {
      const { accepted } = await acceptSend(dependencies, session.device, { frame, arrivedAtMs });
      const counted = accepted.then((answer) => {
        dependencies.events.messageAccepted();
        return answer;
      });
      replyLater(counted);
      return;
    }
    case 'read':
      await acceptRead(dependencies, session.device, frame);
      reply({ type: 'ok', id: frame.id });
      return;
    case 'receipts.get':
      replyLater(answerReceipts(dependencies, session.device, { frame, arrivedAtMs }).then((items) => ({ type: 'ok', id: frame.id, items })));
      return;
    case 'watch':
      await dependencies.hub.watch(session, frame.accounts);
      reply({ type: 'ok', id: frame.id });
      return;
    case 'unwatch':
      dependencies.hub.unwatch(session, frame.accounts);
      reply({ type: 'ok', id: frame.id });
      return;
    case 'ping':
      reply({ type: 'ok', id: frame.id });
  }
}
