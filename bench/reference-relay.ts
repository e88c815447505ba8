import { WebSocketServer, type WebSocket } from 'ws';

import type { RelayClientFrame, RelayFrame } from './relay-frames.js';

/**
 * The least that can do an exchange: JSON over ws, a map from account to socket, nothing stored, nothing checked.
 * What a server needs beyond it is the price of durability and delivery. Prints the port it listens on; ends with SIGTERM.
 */
const clients = new Map<string, Client>();

class Client {
  readonly #socket: WebSocket;
  #accountId = '';
  #peerId = '';
  /** Of the last message sent to this client; also its position. */
  #seq = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  receive(frame: RelayClientFrame): void {
    const peer = clients.get(frame.type === 'hello' ? frame.peerId : this.#peerId);
    switch (frame.type) {
      case 'hello':
        this.#accountId = frame.accountId;
        this.#peerId = frame.peerId;
        clients.set(frame.accountId, this);
        this.#send({ type: 'welcome' });
        return;
      case 'send':
        this.#accept(frame, peer);
        return;
      case 'ack':
        if (peer !== undefined) peer.#send({ type: 'receipts', accountId: this.#accountId, deliveredPosition: frame.seq });
        return;
    }
  }

  closed(): void {
    if (clients.get(this.#accountId) === this) clients.delete(this.#accountId);
  }

  #accept({ id, messageId, body }: Extract<RelayClientFrame, { type: 'send' }>, peer: Client | undefined): void {
    if (peer === undefined) return;
    peer.#seq += 1;
    this.#send({ type: 'accepted', id, messageId, position: peer.#seq, acceptedAtMs: Date.now() });
    peer.#send({ type: 'deliver', seq: peer.#seq, messageId, sender: this.#accountId, body });
  }

  #send(frame: RelayFrame): void {
    this.#socket.send(JSON.stringify(frame));
  }
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 4_096, clientTracking: false, perMessageDeflate: false });

server.on('connection', (socket) => {
  const client = new Client(socket);
  socket.on('message', (data: Buffer) => {
    client.receive(JSON.parse(data.toString('utf8')) as RelayClientFrame);
  });
  socket.on('close', () => {
    client.closed();
  });
  socket.on('error', () => {
    socket.terminate();
  });
});

server.on('listening', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') console.log(`listening ${address.port}`);
});
process.on('SIGTERM', () => {
  process.exit(0);
});
