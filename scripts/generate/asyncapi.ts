import { z } from 'zod';

import { clientFrame } from '../../protocol/client-frames.js';
import { closeCodes } from '../../protocol/close-codes.js';
import { subprotocols } from '../../protocol/encoding.js';
import { errorCodes, type ErrorMeaning } from '../../protocol/errors.js';
import { serverFrame } from '../../protocol/server-frames.js';

type Frames = readonly z.ZodObject<{ type: z.ZodLiteral<string> }>[];

const socketBinding = {
  method: 'GET',
  query: {
    type: 'object',
    properties: { account: { type: 'string', description: 'Only for a load balancer: who connects is what the token says.' } },
  },
  headers: {
    type: 'object',
    properties: { 'Sec-WebSocket-Protocol': { type: 'string', enum: Object.values(subprotocols) } },
    required: ['Sec-WebSocket-Protocol'],
  },
};

/** The AsyncAPI 3.0 document of the WebSocket edge: every frame of both directions. */
export function createAsyncApi(): object {
  const fromClient = messagesOf(clientFrame.options);
  const fromServer = messagesOf(serverFrame.options);
  const refs = (names: readonly string[], at: string) => names.map((name) => ({ $ref: `#/${at}/messages/${name}` }));
  const channelMessages = { ...prefixed('client', fromClient), ...prefixed('server', fromServer) };
  const channel = 'channels/socket';
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Heliograph WebSocket API',
      version: '1',
      description:
        'Subprotocols `heliograph.v1.msgpack` (binary frames) and `heliograph.v1.json` (text frames, bytes as base64url without padding). See docs/protocol.md.',
      license: { name: 'AGPL-3.0-only' },
    },
    servers: { local: { host: '127.0.0.1:8080', protocol: 'ws' } },
    channels: { socket: { address: '/v1/socket', messages: channelMessages, bindings: { ws: socketBinding } } },
    operations: {
      receiveFromClient: {
        action: 'receive',
        channel: { $ref: `#/${channel}` },
        messages: refs(Object.keys(prefixed('client', fromClient)), channel),
      },
      sendToClient: { action: 'send', channel: { $ref: `#/${channel}` }, messages: refs(Object.keys(prefixed('server', fromServer)), channel) },
    },
    'x-close-codes': Object.values(closeCodes),
    'x-error-codes': Object.entries<ErrorMeaning>(errorCodes).map(([code, { retryable, meaning }]) => ({ code, retryable, meaning })),
  };
}

function messagesOf(frames: Frames): Record<string, object> {
  return Object.fromEntries(
    frames.map((frame) => {
      const type = frame.shape.type.value;
      const payload = z.toJSONSchema(frame, { io: 'input', unrepresentable: 'any', target: 'draft-7' });
      delete payload.$schema;
      return [type, { name: type, payload }];
    }),
  );
}

function prefixed(side: string, messages: Record<string, object>): Record<string, object> {
  return Object.fromEntries(Object.entries(messages).map(([type, message]) => [`${side}-${type.replaceAll('.', '-')}`, message]));
}
