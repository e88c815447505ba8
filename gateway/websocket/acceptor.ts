import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import proxyAddr from 'proxy-addr';
import { WebSocketServer, type WebSocket } from 'ws';

import { encodingOf, encodings } from '../../protocol/encoding.js';
import { limits } from '../../protocol/limits.js';
import type { GatewayEvents } from '../../telemetry/gateway-events.js';
import { networkOf } from '../network-of.js';
import { Connection, type ConnectionContext } from './connection.js';
import { FrameSocket } from './socket.js';
import type { Sockets } from './sockets.js';

/** A socket's client is not told faster than this that there is room again. */
const retryAfterSeconds = 5;

export interface AcceptorOptions {
  /** Origins that browsers may come from; `*` for all. A client without Origin is no browser and always may. */
  readonly allowedOrigins: readonly string[];
  readonly maxConnections: number;
  /** From one IPv4 address, or one /64 of IPv6. */
  readonly maxConnectionsPerAddress: number;
  /** How many proxies in front add to `X-Forwarded-For`. */
  readonly trustedProxies: number;
}

export interface AcceptorParts {
  readonly context: ConnectionContext;
  readonly sockets: Sockets;
  readonly options: AcceptorOptions;
  readonly events: GatewayEvents;
}

/** Answers upgrades: path, room, subprotocol and Origin, then a connection. */
export function createAcceptor({ context, sockets, options, events }: AcceptorParts) {
  const perNetwork = new Map<string, number>();
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    // Above the protocol's limit, so that a frame just over it is answered with an error that names the limit.
    maxPayload: 4 * limits.maxFrameBytes,
    handleProtocols: (protocols) => [...protocols].find((protocol) => encodingOf(protocol) !== undefined) ?? false,
  });
  const changePlaces = (network: string, by: 1 | -1) => {
    const places = (perNetwork.get(network) ?? 0) + by;
    if (places > 0) perNetwork.set(network, places);
    else perNetwork.delete(network);
  };

  return (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    stream.on('error', () => {
      stream.destroy();
    });
    if (request.url?.split('?')[0] !== '/v1/socket') {
      refuseUpgrade(stream, '404 Not Found');
      return;
    }
    if (sockets.size >= options.maxConnections) {
      refuseUpgrade(stream, '503 Service Unavailable', retryAfterSeconds);
      return;
    }
    const network = networkOf(proxyAddr(request, (_, hop) => hop < options.trustedProxies));
    if ((perNetwork.get(network) ?? 0) >= options.maxConnectionsPerAddress) {
      refuseUpgrade(stream, '429 Too Many Requests', retryAfterSeconds);
      return;
    }
    server.handleUpgrade(request, stream, head, (ws) => {
      changePlaces(network, 1);
      const leave = () => {
        changePlaces(network, -1);
      };
      const encoding = encodingOf(ws.protocol);
      const socket = new FrameSocket(ws, stream, encoding ?? encodings.json);
      ws.on('error', () => {
        ws.terminate();
      });
      const refusal = encoding === undefined ? 'protocolVersion' : originMay(request, options.allowedOrigins) ? undefined : 'originRefused';
      if (encoding === undefined || refusal !== undefined) {
        events.socketRefused(refusal ?? 'protocolVersion');
        ws.on('close', leave);
        socket.close(refusal ?? 'protocolVersion');
        return;
      }
      const connection = new Connection(ws, socket, encoding, context);
      ws.on('close', () => {
        leave();
        connection.closed();
      });
      serve(ws, connection, sockets);
    });
  };
}

function serve(ws: WebSocket, connection: Connection, sockets: Sockets): void {
  sockets.add(connection);
  ws.on('message', (data: Buffer, isBinary) => {
    connection.message(data, isBinary);
  });
  ws.on('pong', () => {
    connection.pong();
  });
}

function originMay({ headers: { origin } }: IncomingMessage, allowed: readonly string[]): boolean {
  return origin === undefined || allowed.includes('*') || allowed.includes(origin);
}

function refuseUpgrade(stream: Duplex, status: string, afterSeconds?: number): void {
  const retryAfter = afterSeconds === undefined ? '' : `Retry-After: ${afterSeconds}\r\n`;
  stream.end(`HTTP/1.1 ${status}\r\n${retryAfter}Connection: close\r\nContent-Length: 0\r\n\r\n`);
}
