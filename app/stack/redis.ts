import { stackPorts } from './endpoints.js';
import { listens } from '../engines/ports.js';
import type { StackEngine } from './stack-engine.js';

/** Nothing in it is the only copy of anything: it keeps nothing on the disk, and may come back empty. */
export const redisArguments = ['--save', '', '--appendonly', 'no', '--maxmemory', '256mb', '--maxmemory-policy', 'volatile-lru'] as const;

export const redis: StackEngine = {
  name: 'redis',
  ports: [stackPorts.redis],
  prepare: (directory) => ({
    command: 'redis-server',
    args: ['--port', String(stackPorts.redis), '--bind', '127.0.0.1', '--dir', directory, ...redisArguments],
  }),
  isReady: () => listens(stackPorts.redis),
};
