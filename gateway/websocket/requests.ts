import type { ServerFrame } from '../../protocol/server-frames.js';
import type { GatewayEvents } from '../../telemetry/gateway-events.js';
import type { ChannelHub } from '../channels/channel-hub.js';
import type { PresenceHub } from '../presence/presence-hub.js';
import type { MediaKeeper } from '../media/media-keeper.js';
import { errorFrameOf, type Arrived, type Reply, type SessionRequest } from './connection.js';
import { acceptRead, answerReceipts, type ReadDependencies, type ReceiptsGetDependencies } from './receipts.js';
import { acceptSend, type SendDependencies } from './send.js';
import type { Session } from './session.js';

export interface RequestDependencies extends SendDependencies, Omit<ReadDependencies, 'channels'>, Omit<ReceiptsGetDependencies, 'channels'> {
  readonly hub: PresenceHub;
  readonly channelHub: ChannelHub;
  readonly keeper: Pick<MediaKeeper, 'attach' | 'fetched'>;
  readonly events: GatewayEvents;
}

type HandleRequest = (session: Session, request: Arrived<SessionRequest>, reply: Reply) => Promise<void>;

/** One reply for every request. Settles when the next request of the same connection may begin: for a send once its place in the order is taken, for receipts and channels when those before are answered. */
export function createRequestHandler(dependencies: RequestDependencies): HandleRequest {
  const { events, hub, channelHub, keeper } = dependencies;
  /** One question of a session at a time for what the log has to be read up to; what is no such question does not wait for it. */
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
      case 'channels.watch': {
        await questions.get(session);
        const answer = channelHub.watch(session, frame.conversations);
        questions.set(session, replyLater(answer.then((heads) => ({ type: 'ok', id: frame.id, heads }))));
        return;
      }
      case 'media.fetched':
        await keeper.fetched(frame.blobId, session.device);
        reply({ type: 'ok', id: frame.id });
        return;
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
