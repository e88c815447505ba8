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

type HandleRequest = (session: Session, request: Arrived<SessionRequest>, reply: Reply) => Promise<void>;

/** One reply for every request. Settles when the next request of the same connection may begin: for a send once its place in the order is taken, for receipts when those before are answered. */
export function createRequestHandler(dependencies: RequestDependencies): HandleRequest {
  const { events, hub } = dependencies;
  /** One question of a session at a time; what is no question for receipts does not wait for it. */
  const questions = new WeakMap<Session, Promise<void>>();
  return async (session, { frame, arrivedAtMs }, reply) => {
    const replyLater = (answer: Promise<ServerFrame>) =>
      answer.then(reply, (error: unknown) => {
        reply(errorFrameOf(error, events, frame.id));
      });
    switch (frame.type) {
      case 'send': {
        const { accepted } = await acceptSend(dependencies, session.device, { frame, arrivedAtMs });
        const counted = accepted.then((answer) => {
          events.messageAccepted();
          return answer;
        });
        void replyLater(counted);
        return;
      }
      case 'read':
        await acceptRead(dependencies, session.device, frame);
        reply({ type: 'ok', id: frame.id });
        return;
      case 'receipts.get': {
        await questions.get(session);
        const answer = answerReceipts(dependencies, session.device, { frame, arrivedAtMs });
        questions.set(session, replyLater(answer.then((items) => ({ type: 'ok', id: frame.id, items }))));
        return;
      }
      case 'watch':
        await hub.watch(session, frame.accounts);
        reply({ type: 'ok', id: frame.id });
        return;
      case 'unwatch':
        hub.unwatch(session, frame.accounts);
        reply({ type: 'ok', id: frame.id });
        return;
      case 'ping':
        reply({ type: 'ok', id: frame.id });
    }
  };
}
