import { z } from 'zod';

import { clientFrame } from '../../protocol/client-frames.js';
import { closeCodes } from '../../protocol/close-codes.js';
import { subprotocols } from '../../protocol/encoding.js';
import { errorCodes, type ErrorMeaning } from '../../protocol/errors.js';
import { clientFrameGuide, serverFrameGuide, type ClientFrameNote } from '../../protocol/frame-guide.js';
import { serverFrame } from '../../protocol/server-frames.js';

/** A JSON Schema of draft 7, as far as frames need it. */
export type FrameSchema = z.core.JSONSchema.BaseSchema;

export interface DescribedFrame {
  readonly type: string;
  readonly summary: string;
  readonly schema: FrameSchema;
  readonly example: object;
  /** Types of the frames that answer it. */
  readonly replies: readonly string[];
}

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
const channel = { $ref: '#/channels/socket' };

export interface DescribedFrames {
  readonly fromClients: readonly DescribedFrame[];
  readonly fromServer: readonly DescribedFrame[];
}

/** Every frame of both directions. */
export function describeFrames(): DescribedFrames {
  const repliesTo = ({ reply }: ClientFrameNote<object>) => (reply === undefined ? [] : [reply, 'error']);
  return {
    fromClients: describe(clientFrame.options, clientFrameGuide, repliesTo),
    fromServer: describe(serverFrame.options, serverFrameGuide, () => []),
  };
}

/** The AsyncAPI 3.0 document of the WebSocket edge: every frame of both directions, and what answers what. */
export function createAsyncApi(): object {
  const { fromClients, fromServer } = describeFrames();
  const isReply = (type: string) => type !== 'error' && fromClients.some(({ replies }) => replies.includes(type));
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
    channels: {
      socket: {
        address: '/v1/socket',
        messages: { ...messagesOf('client', fromClients), ...messagesOf('server', fromServer) },
        bindings: { ws: socketBinding },
      },
    },
    operations: {
      ...Object.fromEntries(fromClients.map((frame) => [`client-${nameOf(frame.type)}`, requestOf(frame)])),
      tellClient: {
        action: 'send',
        channel,
        summary: 'What the server says without being asked.',
        messages: fromServer.filter(({ type }) => !isReply(type)).map(({ type }) => messageRef('server', type)),
      },
    },
    'x-close-codes': Object.values(closeCodes),
    'x-error-codes': Object.entries<ErrorMeaning>(errorCodes).map(([code, { retryable, meaning }]) => ({ code, retryable, meaning })),
  };
}

type Frames = readonly z.ZodObject<{ type: z.ZodLiteral<string> }>[];
interface Note {
  readonly summary: string;
  readonly example: object;
}

function describe<N extends Note>(
  options: Frames,
  notes: Readonly<Record<string, N>>,
  repliesTo: (note: N) => readonly string[],
): readonly DescribedFrame[] {
  return options.map((frame) => {
    const type = frame.shape.type.value;
    const note = notes[type];
    if (note === undefined) throw new Error(`the guide has no frame ${type}`);
    const schema = z.toJSONSchema(frame, { io: 'input', unrepresentable: 'any', target: 'draft-7' });
    delete schema.$schema;
    return { type, summary: note.summary, schema, example: note.example, replies: repliesTo(note) };
  });
}

function requestOf({ type, summary, replies }: DescribedFrame): object {
  const messages = replies.map((reply) => messageRef('server', reply));
  return {
    action: 'receive',
    channel,
    summary,
    messages: [messageRef('client', type)],
    ...(messages.length === 0 ? {} : { reply: { channel, messages } }),
  };
}

function messagesOf(side: string, described: readonly DescribedFrame[]): Record<string, object> {
  return Object.fromEntries(
    described.map(({ type, summary, schema, example }) => [
      `${side}-${nameOf(type)}`,
      { name: type, summary, payload: schema, examples: [{ payload: example }] },
    ]),
  );
}

function messageRef(side: string, type: string): object {
  return { $ref: `#/channels/socket/messages/${side}-${nameOf(type)}` };
}

function nameOf(type: string): string {
  return type.replaceAll('.', '-');
}
