import { listens } from '../engines/ports.js';
import { postgresCommand, removeEmptyLock } from '../engines/postgres-server.js';
import { stackCredentials, stackPorts } from './endpoints.js';
import type { StackEngine } from './stack-engine.js';

export const postgres: StackEngine = {
  name: 'postgres',
  ports: [stackPorts.postgres],
  prepare: (directory) => {
    removeEmptyLock(directory);
    return postgresCommand({ directory, password: stackCredentials.postgres.password, port: stackPorts.postgres });
  },
  isReady: () => listens(stackPorts.postgres),
};
