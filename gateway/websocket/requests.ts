import type { Watermarks } from '../../ports/watermarks.js';
import type { GatewayEvents } from '../../telemetry/gateway-events.js';
import { errorFrameOf, type Arrived, type Reply, type SessionRequest } from './connection.js';
import { acceptRead, answerReceipts, type ReadDependencies } from './receipts.js';
import { acceptSend, type SendDependencies } from './send.js';
import type { Session } from './session.js';

export type RequestDependencies = SendDependencies & ReadDependencies & { readonly watermarks: Watermarks; readonly events: GatewayEvents };

/** One reply for every request. Settles when the next request of the same connection may begin: for a send that is once its place in the order is taken. */
export async function handleRequest(
  dependencies: RequestDependencies,
  session: Session,
  request: Arrived<SessionRequest>,
  reply: Reply,
): Promise<void> {
  const { frame, arrivedAtMs } = request;
  switch (frame.type) {
    case 'send': {
      const { accepted } = await acceptSend(dependencies, session.device, { frame, arrivedAtMs });
      accepted.then(
        (answer) => {
          dependencies.events.messageAccepted();
          reply(answer);
        },
        (error: unknown) => {
          reply(errorFrameOf(error, dependencies.events, frame.id));
        },
      );
      return;
    }
    case 'read':
      await acceptRead(dependencies, session.device, frame);
      reply({ type: 'ok', id: frame.id });
      return;
    case 'receipts.get':
      reply({ type: 'ok', id: frame.id, items: await answerReceipts(dependencies, session.device, frame) });
      return;
    case 'ping':
      reply({ type: 'ok', id: frame.id });
  }
}
