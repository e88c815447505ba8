import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

import { WebSocketServer } from 'ws';

import type { GatewayEndpoint } from '../../ports/gateway-link.js';
import type { LinkEvents } from '../../telemetry/link-events.js';
import { maxFrameBytes, fullFrameBytes, type LinkCall, type LinkResult } from './link-frames.js';
import { LinkSocket } from './link-socket.js';
import { linkTokenHolds } from './link-token.js';

export interface LinkServerOptions {
  readonly endpoint: GatewayEndpoint;
  readonly secret: string;
  readonly events: LinkEvents;
}

export interface LinkServer {
  /** Takes over the upgrades of an HTTP server that does nothing else. */
  attach(server: Server): void;
  /** Ends all links. */
  close(): void;
}

/** The gateway's end: every connection is one caller, under the link id that it brings. */
export function createLinkServer({ endpoint, secret, events }: LinkServerOptions): LinkServer {
  const server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: fullFrameBytes + maxFrameBytes });
  const links = new Map<string, LinkSocket>();

  const upgrade = async (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const linkId = new URL(request.url ?? '', 'ws://link').searchParams.get('link') ?? '';
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
    if (linkId === '' || links.has(linkId) || !(await linkTokenHolds(secret, endpoint.gatewayId, token))) {
      events.refused(endpoint.gatewayId);
      stream.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    server.handleUpgrade(request, stream, head, (ws) => {
      const link = new LinkSocket(ws, {
        asks: false,
        received: (value) => {
          serve(endpoint, linkId, link, value as LinkCall);
        },
        lost: () => {
          links.delete(linkId);
          endpoint.linkLost(linkId);
        },
      });
      links.set(linkId, link);
    });
  };

  return {
    attach: (http) => {
      http.on('upgrade', (request, stream, head) => {
        stream.on('error', () => stream.destroy());
        void upgrade(request, stream, head);
      });
    },
    close: () => {
      for (const link of [...links.values()]) link.end('the gateway closes');
    },
  };
}

function serve(endpoint: GatewayEndpoint, linkId: string, link: LinkSocket, call: LinkCall): void {
  const [id, method] = call;
  const answer = (result: LinkResult) => {
    link.send([id, result]);
  };
  switch (method) {
    case 'push':
      endpoint.push(linkId, call[2], (targetIndex, given) => {
        link.send([id, targetIndex, given]);
      });
      return;
    case 'nudge':
      answer(endpoint.nudge(linkId, call[2], call[3]));
      return;
    case 'signal':
      endpoint.signal(call[2], call[3]);
      return;
    case 'openDrain':
      answer(endpoint.openDrain(call[2], call[3]));
      return;
    case 'drainPage':
      void endpoint.drainPage(call[2], call[3]).then(answer);
      return;
    case 'finishDrain':
      answer(endpoint.finishDrain(call[2]));
      return;
    case 'giveUpDrain':
      answer(endpoint.giveUpDrain(call[2], call[3]));
      return;
  }
}
