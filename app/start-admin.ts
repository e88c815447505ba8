import type { Registry } from 'prom-client';

import { MessageExplainer } from '../gateway/message-explainer.js';
import type { Logger } from '../telemetry/logger.js';
import type { Adapters } from './adapters.js';
import { createAdminServer, type Dependency } from './admin-server.js';
import type { Closer } from './closer.js';
import type { Config } from './config/load-config.js';
import type { Secret } from './config/secret.js';
import { listen, stopListening } from './listen.js';
import { createOperatorApi } from './operator-api.js';

export interface AdminRole {
  readonly config: Config;
  readonly adapters: Omit<Adapters, 'link'>;
  readonly epoch: number;
  readonly operatorToken: Secret | undefined;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly closer: Closer;
  /** Whether new sessions are welcome. */
  readonly accepting?: () => boolean;
}

/** Health, metrics and calls of operators on a port of their own; answers the port. */
export function startAdmin(role: AdminRole, dependencies: readonly Dependency[]): Promise<number> {
  const { config, adapters, epoch, operatorToken: token, logger, metrics, closer, accepting = () => true } = role;
  const operatorApi = createOperatorApi({
    ...adapters,
    token,
    explainer: new MessageExplainer({ ...adapters, epoch }),
    workflows: adapters.workflowViews,
    logger,
  });
  const server = createAdminServer({ registry: metrics, dependencies, accepting, operatorApi });
  closer.add('admin server', () => stopListening(server));
  return listen(server, config.network.host, config.network.adminPort, 'HELIOGRAPH_ADMIN_PORT');
}
