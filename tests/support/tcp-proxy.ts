import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Everything that goes either way from now on is this late. */
  delay(ms: number): void;
  /** Half-open: connections stay, and nothing goes through them any more. */
  freeze(): void;
  thaw(): void;
  /** Breaks the connections there are, and takes no new ones until `mend`. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

/** Stands between two processes, to make their network a bad one. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let delayMs = 0;
  let frozen = false;
  let isCut = false;

  const join = (socket: Socket, other: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      // Half-open means just this: the other side does not learn it.
      if (!frozen) other.destroy();
    });
    socket.on('data', (data) => {
      if (delayMs === 0) other.write(data);
      else setTimeout(() => other.write(data), delayMs);
    });
    if (frozen) socket.pause();
  };
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const target = connect(targetPort, '127.0.0.1');
    join(client, target);
    join(target, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    delay: (ms) => (delayMs = ms),
    freeze: () => {
      frozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw: () => {
      frozen = false;
      for (const socket of sockets) socket.resume();
    },
    cut: () => {
      isCut = true;
      destroyAll();
    },
    mend: () => (isCut = false),
    close: async () => {
      frozen = false;
      destroyAll();
      server.close();
      await once(server, 'close');
    },
  };
}
