import { once } from 'node:events';
import { connect, createServer, type ListenOptions, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface TcpProxy {
  readonly port: number;
  /** Everything that goes either way from now on is this late. */
  delay(ms: number): void;
  /** Half-open: connections stay, and nothing goes through them any more. */
  freeze(): void;
  thaw(): void;
  /** The connections there are stay half-open for ever; new ones are sound. */
  strand(): void;
  /** Breaks the connections there are, and takes no new ones until `mend`. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

/** Stands between two processes, to make their network a bad one. */
export async function startTcpProxy(targetPort: number, listenAt: ListenOptions = { host: '127.0.0.1', port: 0 }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const stranded = new WeakSet<Socket>();
  let delayMs = 0;
  let frozen = false;
  let isCut = false;

  const join = (socket: Socket, other: Socket) => {
    let underWay = 0;
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      // Half-open means just this: the other side does not learn it.
      if (!frozen && !stranded.has(socket)) other.destroy();
    });
    // One after the other, also when the delay becomes less.
    let earlier = Promise.resolve();
    socket.on('data', (data) => {
      if (delayMs === 0 && underWay === 0) {
        other.write(data);
        return;
      }
      underWay += 1;
      earlier = Promise.all([earlier, sleep(delayMs)]).then(() => {
        underWay -= 1;
        other.write(data);
      });
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
  server.listen(listenAt);
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
      for (const socket of sockets) if (!stranded.has(socket)) socket.resume();
    },
    strand: () => {
      for (const socket of sockets) {
        stranded.add(socket);
        socket.pause();
      }
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
