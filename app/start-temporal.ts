import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { Logger } from '../telemetry/logger.js';
import type { Closer } from './closer.js';
import type { Config } from './config/load-config.js';
import type { DataDirectory } from './data-directory.js';
import { startTemporalServer } from './engines/temporal-server.js';
import { StartError } from './start-error.js';

export interface StartedTemporal {
  readonly address: string;
  /** `undefined` when Temporal runs elsewhere. */
  readonly uiUrl: string | undefined;
}

export interface StartTemporalOptions {
  readonly config: Config;
  readonly data: DataDirectory;
  readonly logger: Logger;
  readonly closer: Closer;
}

/** A development server in the data directory, unless the configuration names a Temporal that runs elsewhere. */
export async function startTemporal({ config, data, logger, closer }: StartTemporalOptions): Promise<StartedTemporal> {
  const { address, cli, uiPort } = config.temporal;
  if (address !== undefined) return { address, uiUrl: undefined };
  const server = await startTemporalServer({ cli: cli ?? installedCli(), directory: data.subdirectory('temporal'), uiPort, logger });
  closer.add('temporal', () => server.stop());
  return server;
}

/** What `npm start` installed: this file is at app/ of the checkout, or of its dist/. */
function installedCli(): string {
  const candidates = ['../.tools/temporal/bin/temporal', '../../.tools/temporal/bin/temporal'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new StartError(
    'the Temporal server is not installed',
    'run `npm start`, which installs it, or put the path of a `temporal` program into HELIOGRAPH_TEMPORAL_CLI',
  );
}
