import { join } from 'node:path';

import type { Logger } from 'pino';

import { searchAttributes } from '../../adapters/temporal/search-attributes.js';
import { StartError } from '../start-error.js';
import { EngineProcess } from './engine-process.js';
import { freePort, listens, untilListening } from './ports.js';

const readyTimeoutMs = 30_000;
/** As the command line wants them. */
const typeNames = { KEYWORD: 'Keyword', KEYWORD_LIST: 'KeywordList' } as const;

export interface TemporalServer {
  readonly address: string;
  readonly uiUrl: string;
  stop(): Promise<void>;
}

export interface TemporalServerOptions {
  readonly cli: string;
  readonly directory: string;
  readonly uiPort: number;
  readonly logger: Logger;
}

/** Temporal's development server on a database file in the data directory: workflows outlive it. */
export async function startTemporalServer({ cli, directory, uiPort, logger }: TemporalServerOptions): Promise<TemporalServer> {
  if (uiPort !== 0 && (await listens(uiPort))) {
    throw new StartError(
      `port ${uiPort} for the Temporal Web UI is taken`,
      'stop what listens there, or set HELIOGRAPH_TEMPORAL_UI_PORT (0 takes a free one)',
    );
  }
  const port = await freePort();
  const ui = uiPort === 0 ? await freePort() : uiPort;
  const engine = new EngineProcess(
    {
      name: 'temporal',
      command: cli,
      args: temporalArguments({ directory, port, uiPort: ui }),
      stopSignal: 'SIGTERM',
      logFile: join(directory, 'temporal.log'),
      pidFile: join(directory, 'temporal.pid'),
    },
    logger,
  );
  try {
    await engine.start();
  } catch (error) {
    throw new StartError(
      `${cli} cannot be run (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
      'correct HELIOGRAPH_TEMPORAL_CLI, or unset it and run `npm start`, which installs Temporal',
    );
  }
  await untilListening(port, readyTimeoutMs);
  return { address: `127.0.0.1:${port}`, uiUrl: `http://127.0.0.1:${ui}`, stop: () => engine.stop() };
}

export function temporalArguments({
  directory,
  port,
  uiPort,
}: {
  readonly directory: string;
  readonly port: number;
  readonly uiPort: number;
}): string[] {
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)],
    ...['--ui-disable-news-fetch', '--log-level', 'warn'],
    ...['--db-filename', join(directory, 'temporal.db'), '--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal'],
    ...Object.values(searchAttributes).flatMap(({ name, type }) => ['--search-attribute', `${name}=${typeNames[type]}`]),
    ...['--dynamic-config-value', 'matching.enableFairness=true'],
  ];
}
