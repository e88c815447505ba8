import type { Registry } from 'prom-client';

import { createAdminServer, type Dependency } from './admin-server.js';
import type { Closer } from './closer.js';
import type { Config } from './config/load-config.js';
import { listen, stopListening } from './listen.js';

export interface AdminRole {
  readonly config: Config;
  readonly metrics: Registry;
  readonly closer: Closer;
  /** Whether new sessions are welcome. */
  readonly accepting?: () => boolean;
}

/** Health and metrics on a port of their own; answers the port. */
export function startAdmin({ config, metrics, closer, accepting = () => true }: AdminRole, dependencies: readonly Dependency[]): Promise<number> {
  const server = createAdminServer({ registry: metrics, dependencies, accepting });
  closer.add('admin server', () => stopListening(server));
  return listen(server, config.network.host, config.network.adminPort, 'HELIOGRAPH_ADMIN_PORT');
}
