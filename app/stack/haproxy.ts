import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { listens } from '../engines/ports.js';
import { stackPorts } from './endpoints.js';
import { renderHaproxyConfig } from './haproxy-config.js';
import type { StackEngine } from './stack-engine.js';

export const haproxy: StackEngine = {
  name: 'haproxy',
  ports: [stackPorts.public],
  prepare: (directory) => {
    const file = join(directory, 'haproxy.cfg');
    const gateways = stackPorts.gateways.map((ports, index) => ({
      name: `gateway-${index + 1}`,
      host: '127.0.0.1',
      port: ports.public,
      adminPort: ports.admin,
    }));
    writeFileSync(file, renderHaproxyConfig({ bind: `127.0.0.1:${stackPorts.public}`, gateways }));
    return { command: 'haproxy', args: ['-db', '-f', file] };
  },
  isReady: () => listens(stackPorts.public),
};
