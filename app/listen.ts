import type { Server } from 'node:http';

import { StartError } from './start-error.js';

/** Listens, and answers the port; 0 takes a free one. Throws StartError that names the variable to change when the port is taken. */
export function listen(server: Server, host: string, port: number, variable: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES' && error.code !== 'EADDRNOTAVAIL') reject(error);
      else {
        const why = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${error.code})`;
        reject(new StartError(`port ${port} of ${host} ${why}`, `stop what listens there, or set ${variable} to another port (0 takes a free one)`));
      }
    });
    server.listen({ host, port, backlog: 4_096 }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** Stops listening and cuts what is still open. */
export function stopListening(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
