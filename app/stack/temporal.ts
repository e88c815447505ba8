import { listens } from '../engines/ports.js';
import { temporalArguments } from '../engines/temporal-server.js';
import { stackPorts } from './endpoints.js';
import type { StackEngine } from './stack-engine.js';
import { toolPath } from './tools.js';

/** The development server, which keeps its workflows in a file. */
export const temporal: StackEngine = {
  name: 'temporal',
  ports: [stackPorts.temporal, stackPorts.temporalUi],
  prepare: (directory) => ({
    command: toolPath('temporal/bin/temporal'),
    args: temporalArguments({ directory, port: stackPorts.temporal, uiPort: stackPorts.temporalUi }),
  }),
  isReady: () => listens(stackPorts.temporal),
};
