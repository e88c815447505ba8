import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { WebSocketServer, type WebSocket } from 'ws';

import { checkDeviceSet } from '../../core/roster.js';
import { bytesReplacer } from '../../protocol/bytes.js';
import type { ClientFrame, ReadFrame, ReceiptsGetFrame, SendFrame } from '../../protocol/client-frames.js';
import { encodings, parseClientFrame, subprotocols } from '../../protocol/encoding.js';
import { closeCodes } from '../../protocol/close-codes.js';
import { DomainError, errorCodes } from '../../protocol/errors.js';
import { deviceKey, type AccountId, type DeviceAddress, type DeviceId, type MessageId } from '../../protocol/ids.js';
import { restCalls, type RestOperation } from '../../protocol/rest/contract.js';
import type { RestCall } from '../../protocol/rest/rest-call.js';
import type { DeliverItem, ReceiptItem, ServerFrame } from '../../protocol/server-frames.js';
import { ScriptedDirectory } from './scripted-directory.js';

/** What becomes of a send: taken, taken while the answer is lost, lost itself, never answered, or refused. */
export type Verdict = 'accept' | 'accept-and-cut' | 'cut' | 'silence' | DomainError;

const encoding = encodings.msgpack;

/** A server on real sockets that does what a test says: it accepts, refuses, loses answers and delivers twice. Everything is in memory. */
export class ScriptedServer {
  readonly directory = new ScriptedDirectory();
  /** Every send as it came. */
  readonly sends: SendFrame[] = [];
  readonly reads: ReadFrame[] = [];
  /** What was watched, unwatched and typed, in that order. */
  readonly company: Extract<ClientFrame, { type: 'watch' | 'unwatch' | 'typing' }>[] = [];
  /** Of each device: the last sequence number that it acked, over all connections. */
  readonly acks: { readonly device: string; readonly seq: number }[] = [];
  /** What was accepted, in its order. */
  readonly log: DeliverItem[] = [];
  readonly connections: number[] = [];
  /** When it accepts things: long ago, unless a test says otherwise. */
  nowMs = () => 1_700_000_000_000;
  judge: (send: SendFrame) => Verdict = () => 'accept';
  /** Changes, delays, loses or refuses answers of REST: `undefined` cuts the connection after the call was done. */
  answerRest: (operation: RestOperation, body: unknown) => unknown = (_, body) => body;
  /** Of what was read: a refusal, or ok. */
  judgeRead: (read: ReadFrame) => DomainError | undefined = () => undefined;
  readonly receiptQuestions: ReceiptsGetFrame[] = [];
  /** Of a question for receipts: a refusal, or what there is. */
  answerReceipts: () => DomainError | ReceiptItem[] = () => [];
  /** Of a hello: a close code, a turn later, or a welcome. */
  refuseHello: (connection: number) => number | Extract<ServerFrame, { type: 'reconnect' }> | undefined = () => undefined;
  /** Of each hello, in their order. */
  readonly tickets: (string | undefined)[] = [];
  readonly restCalls: RestOperation[] = [];

  readonly #http: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, handleProtocols: () => subprotocols.msgpack });
  readonly #present = new Map<string, Socket>();
  readonly #inboxes = new Map<string, DeliverItem[]>();

  private constructor() {
    this.#http = createServer((request, response) => void this.#answer(request, response));
    this.#http.on('upgrade', (request, socket, head) => {
      this.#sockets.handleUpgrade(request, socket, head, (ws) => {
        this.#opened(ws);
      });
    });
  }

  static async start(): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    server.#http.listen(0, '127.0.0.1');
    await once(server.#http, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const { ws } of this.#present.values()) ws.terminate();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }

  /** To the device, if it is here: any frame. */
  push(device: DeviceAddress, ...frames: readonly unknown[]): void {
    const socket = this.#present.get(deviceKey(device));
    if (socket === undefined) throw new Error('the device is not connected');
    for (const frame of frames) socket.ws.send(encoding.encode(frame as ServerFrame));
  }

  /** Delivers again, or for the first time, in one frame each. */
  deliver(device: DeviceAddress, ...frames: readonly (readonly DeliverItem[])[]): void {
    const socket = this.#present.get(deviceKey(device));
    if (socket === undefined) throw new Error('the device is not connected');
    for (const items of frames) this.push(device, { type: 'deliver', seq: ++socket.seq, items: [...items] });
  }

  /** Breaks the device's connection without a word. */
  cut(device: DeviceAddress): void {
    this.#present.get(deviceKey(device))?.ws.terminate();
  }

  /** As a device's send would be kept. */
  accept(sender: DeviceAddress, send: SendFrame): DeliverItem[] {
    const { messageId, conversationId, kind, body, ttlSeconds } = send;
    const position = this.log.length + 1;
    const acceptedAtMs = this.nowMs() + position;
    const item: DeliverItem = {
      conversationId,
      position,
      messageId,
      kind,
      sender,
      acceptedAtMs,
      ...(body && { body }),
      ...(ttlSeconds && { ttlSeconds }),
    };
    this.log.push(item);
    return send.envelopes.map(({ to, type, content }) => {
      const theirs = { ...item, envelope: { type, content } };
      this.#inboxOf(to).push(theirs);
      if (this.#present.has(deviceKey(to))) this.deliver({ accountId: to.accountId, deviceId: to.deviceId }, [theirs]);
      return theirs;
    });
  }

  /** What a device was sent and did not ack. */
  inbox(device: DeviceAddress): readonly DeliverItem[] {
    return this.#inboxOf(device);
  }

  #inboxOf(device: DeviceAddress): DeliverItem[] {
    const key = deviceKey(device);
    const inbox = this.#inboxes.get(key) ?? [];
    this.#inboxes.set(key, inbox);
    return inbox;
  }

  #opened(ws: WebSocket): void {
    let device: DeviceAddress | undefined;
    ws.on('error', () => undefined);
    ws.on('message', (data: Buffer) => {
      const frame = parseClientFrame(encoding, data);
      if (frame.type === 'hello') {
        device = addressOf(frame.token);
        this.tickets.push(frame.ticket);
        this.#welcome(ws, device, frame.connection);
      } else if (device !== undefined) this.#take(ws, device, frame);
    });
    ws.on('close', () => {
      if (device !== undefined && this.#present.get(deviceKey(device))?.ws === ws) this.#present.delete(deviceKey(device));
    });
  }

  #welcome(ws: WebSocket, device: DeviceAddress, connection: number): void {
    this.connections.push(connection);
    const refusal = this.refuseHello(connection);
    if (typeof refusal === 'number') {
      ws.close(refusal);
      return;
    }
    if (refusal !== undefined) {
      ws.send(encoding.encode(refusal));
      ws.close(closeCodes.overloaded.code);
      return;
    }
    this.#present.set(deviceKey(device), { ws, seq: 0 });
    const base = { sessionEpoch: connection, gatewayId: 'scripted', heartbeatMs: 25_000, limits: {}, serverTimeMs: 0 };
    this.push(device, { type: 'welcome', ...device, ...base, inbox: 'empty' });
    const waiting = this.#inboxOf(device);
    if (waiting.length > 0) this.deliver(device, waiting);
  }

  #take(ws: WebSocket, device: DeviceAddress, frame: ClientFrame): void {
    if (frame.type === 'watch' || frame.type === 'unwatch' || frame.type === 'typing') this.company.push(frame);
    if (frame.type === 'send') this.#send(ws, device, frame);
    else if (frame.type === 'ack') {
      this.acks.push({ device: deviceKey(device), seq: frame.seq });
      if (this.#present.get(deviceKey(device))?.seq === frame.seq) this.#inboxOf(device).length = 0;
    } else if (frame.type !== 'hello' && frame.type !== 'typing') {
      const answer = this.#answerOf(frame);
      this.push(
        device,
        answer instanceof DomainError ? errorFrameOf(frame.id, answer) : { type: 'ok', id: frame.id, ...(answer && { items: answer }) },
      );
    }
  }

  #answerOf(frame: ClientFrame): DomainError | ReceiptItem[] | undefined {
    if (frame.type === 'read') {
      this.reads.push(frame);
      return this.judgeRead(frame);
    }
    if (frame.type !== 'receipts.get') return undefined;
    this.receiptQuestions.push(frame);
    return this.answerReceipts();
  }

  #send(ws: WebSocket, device: DeviceAddress, send: SendFrame): void {
    this.sends.push(send);
    const { id, messageId } = send;
    const verdict = this.judge(send);
    if (verdict === 'silence') return;
    const error = verdict instanceof DomainError ? verdict : this.#mismatch(device, send);
    if (error !== undefined) {
      ws.send(encoding.encode(errorFrameOf(id, error)));
      return;
    }
    if (verdict !== 'cut' && this.#found(messageId) === undefined) this.accept(device, send);
    const found = this.#found(messageId);
    if (verdict !== 'accept' || found === undefined) ws.terminate();
    else this.push(device, { type: 'accepted', id, messageId, position: found.position, acceptedAtMs: found.acceptedAtMs });
  }

  #mismatch(device: DeviceAddress, { conversationId, envelopes, strategy }: SendFrame): DomainError | undefined {
    const { rosterDigest: digest, ...roster } = this.directory.roster(conversationId);
    const difference = checkDeviceSet({ ...roster, digest }, device, envelopes);
    if (difference === undefined || strategy === 'partial') return undefined;
    return new DomainError('roster_mismatch', 'the envelopes do not fit', { detail: { ...difference } });
  }

  #found(messageId: MessageId): DeliverItem | undefined {
    return this.log.find((item) => item.messageId === messageId);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    try {
      const { status, body } = await this.#call(request, text === '' ? undefined : JSON.parse(text));
      if (body === undefined && status !== 204) request.socket.destroy();
      else if (typeof body === 'string') response.writeHead(status, { 'content-type': 'text/html' }).end(body);
      else response.writeHead(status, { 'content-type': 'application/json' }).end(status === 204 ? undefined : JSON.stringify(body, bytesReplacer));
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      const { code, message: detail, retryAfterMs } = error;
      const { http: status, meaning: title } = errorCodes[code];
      const problem = { type: `urn:heliograph:error:${code}`, title, status, detail, code, ...(retryAfterMs !== undefined && { retryAfterMs }) };
      response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
    }
  }

  async #call(request: IncomingMessage, body: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
    const url = new URL(request.url ?? '/', this.url);
    const [operation, call, params] = callOf(request.method ?? '', url.pathname);
    const input = {
      params: call.params?.parse(params),
      query: call.query?.parse(Object.fromEntries(url.searchParams)),
      body: call.body?.parse(body),
    };
    const token = request.headers.authorization?.replace('Bearer ', '');
    if (call.open !== true && token === undefined) throw new DomainError('unauthenticated', 'no token');
    this.restCalls.push(operation);
    const handler = this.directory.handlers[operation] as ((input: unknown, caller?: DeviceAddress) => unknown) | undefined;
    if (handler === undefined) throw new DomainError('not_found', `${operation} is not scripted`);
    const answer = handler(input, token === undefined ? undefined : addressOf(token));
    return { status: Number(Object.keys(call.answers)[0]), body: await this.answerRest(operation, answer) };
  }
}

interface Socket {
  readonly ws: WebSocket;
  seq: number;
}

function errorFrameOf(id: number, { code, message, retryAfterMs, detail }: DomainError): ServerFrame {
  return { type: 'error', id, code, message, ...(retryAfterMs !== undefined && { retryAfterMs }), ...(detail && { detail }) };
}

function addressOf(token: string): DeviceAddress {
  const [accountId, deviceId] = token.split('.');
  return { accountId: accountId as AccountId, deviceId: Number(deviceId) as DeviceId };
}

function callOf(method: string, path: string): [RestOperation, RestCall, Record<string, string>] {
  for (const [operation, call] of Object.entries<RestCall>(restCalls)) {
    const pattern = new RegExp(`^${call.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
    const match = pattern.exec(path);
    if (match !== null && call.method === method.toLowerCase()) return [operation as RestOperation, call, { ...match.groups }];
  }
  throw new DomainError('not_found', `${method} ${path}`);
}
